import type { KnownSession, Turn } from './journal.ts';
import type { Random } from './random.ts';

const questions = [
  'How do I brew coffee?',
  'make it shorter',
  'explain step 2',
  'Write a long story',
  'Hello',
  '你好 🙂',
];

/** A turn that is about to be sent, noted in the journal. The demo says a word every 15 ms: most are short. */
export function newTurn(
  session: KnownSession,
  { name, keyed, random }: { name: string; keyed: boolean; random: Random },
): Turn {
  const content = `${random.pick(questions)} [${name}]`;
  const maxOutputTokens = random.pick([1, 2, 5, 10, 20, 40, undefined]);
  const maxMessages = random.pick([0, 1, 3, undefined, undefined, undefined]);
  const turn: Turn = {
    content,
    body: JSON.stringify({ content, maxOutputTokens, history: { maxMessages } }),
    idempotencyKey: keyed ? name : undefined,
    firstStep: session.step,
    lastStep: session.step,
    state: 'unknown',
    mayHaveRun: false,
  };
  session.turns.push(turn);
  return turn;
}
