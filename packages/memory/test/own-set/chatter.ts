/** Small talk without end, the same on every machine: what is looked for lies somewhere in it. */
import type { RecallableMessage } from '../../src/index.ts';

/** Parts of sentences in one language. A message is one of each: `opening who does where. comment`. */
export interface PhraseBook {
  /** What stands between the parts: a space, or nothing. */
  readonly space: string;
  readonly openings: readonly string[];
  readonly people: readonly string[];
  readonly doings: readonly string[];
  readonly places: readonly string[];
  readonly comments: readonly string[];
  readonly replies: readonly string[];
  readonly advice: readonly string[];
  readonly followUps: readonly string[];
}

export interface Exchange {
  readonly said: string;
  readonly replied: string;
  readonly question: string;
  /** Where the answer is. */
  readonly answeredBy: 'user' | 'assistant';
}

export interface Conversation {
  readonly messages: readonly RecallableMessage[];
  /** Each question, with the message that holds its answer. */
  readonly questions: readonly { readonly question: string; readonly evidence: RecallableMessage }[];
}

/** The exchanges, one after the other and far apart, among so many of chatter; the last forty messages are chatter alone. */
export function converse(
  book: PhraseBook,
  exchanges: readonly Exchange[],
  { turns = 300, seed = 7 } = {},
): Conversation {
  const random = createRandom(seed);
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)]!;
  const every = Math.floor((turns - 20) / exchanges.length);
  const messages: RecallableMessage[] = [];
  const questions: { question: string; evidence: RecallableMessage }[] = [];
  const say = (role: 'user' | 'assistant', content: string): RecallableMessage => {
    const tokenCount = Math.ceil(content.length / 4);
    const createdAt = new Date(Date.UTC(2026, 2, 1, 0, 7 * messages.length));
    const message = { role, content, tokenCount, promptTokens: tokenCount, createdAt };
    messages.push(message);
    return message;
  };
  for (let turn = 0; turn < turns; turn += 1) {
    const exchange = turn % every === every - 1 ? exchanges[(turn + 1) / every - 1] : undefined;
    if (exchange) {
      const both = { user: say('user', exchange.said), assistant: say('assistant', exchange.replied) };
      questions.push({ question: exchange.question, evidence: both[exchange.answeredBy] });
    }
    const { openings, people, doings, places, comments, replies, advice, followUps } = book;
    say('user', [pick(openings), pick(people), pick(doings), pick(places), pick(comments)].join(book.space));
    say('assistant', [pick(replies), pick(advice), pick(followUps)].join(book.space));
  }
  return { messages, questions };
}

/** mulberry32, which is in the public domain: numbers from 0 to 1 that only look as if they were drawn. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
