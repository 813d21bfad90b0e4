/** What it adds to a turn that messages from before its window are read, scored and shown. */
import { createLog } from '@timmy-tower/api-server/log.ts';
import type pg from 'pg';

import { type FundedSession, fundSessions } from './fill.ts';
import { compare, type Context, type Figure, type Measurement } from './measurement.ts';
import { openProduct, takeTurn } from './product.ts';
import { alternate, type Contender, cycle, timeCalls } from './rounds.ts';
import { median } from './statistics.ts';
import { temporaryDirectory } from './temporary-directory.ts';

interface Conversation {
  readonly name: string;
  readonly messages: number;
  readonly words: number;
}

/** The last is as much as is looked through: 5,000 messages, 250,000 tokens. */
const conversations: readonly Conversation[] = [
  { name: '600 short messages', messages: 600, words: 12 },
  { name: '600 long messages', messages: 600, words: 250 },
  { name: '5,000 messages of 200 characters', messages: 5000, words: 32 },
];
const SESSIONS = 4;
const RECALL_TOKENS = 1000;

export const recalling: Measurement = {
  name: 'recalling',
  title: 'A turn that recalls, against the same turn without recall, one after the other',
  async run(context) {
    const figures: Figure[] = [];
    for (const conversation of conversations) figures.push(...(await measure(context, conversation)));
    return figures;
  },
};

async function measure({ server, quick, progress }: Context, conversation: Conversation): Promise<Figure[]> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await server.openDatabase('recalling', { waitForDisk: false }));
  const { path } = opening.use(await temporaryDirectory());
  const { deps } = opening.use(await openProduct(database.db, { log: createLog('silent'), walletDirectory: path }));
  const sessions = await fundSessions(database.bare, SESSIONS);
  progress(`filling ${conversation.name}`);
  for (const session of sessions) await fillConversation(database.bare, session, conversation);
  await database.bare.query('VACUUM ANALYZE');
  const contender = (name: string, recallTokens: number): Contender => {
    const next = cycle(sessions);
    return { name, round: () => timeCalls(quick ? 1 : 8, () => takeTurn(deps, next(), { recallTokens })) };
  };
  progress('alternating rounds');
  const [recalled, plain] = await alternate(
    [contender('with recall', RECALL_TOKENS), contender('without', 0)],
    quick ? { warmUps: 0, rounds: 1 } : { warmUps: 3, rounds: 20 },
  );
  const longest = await longestStepDuring(() =>
    timeCalls(quick ? 1 : 40, () => takeTurn(deps, sessions[0]!, { recallTokens: RECALL_TOKENS })),
  );
  const { name } = conversation;
  return [
    compare({ name, unit: 'ms', of: recalled!, with: plain! }),
    { name: `${name}: recall adds`, unit: 'ms', value: median(recalled!.values) - median(plain!.values) },
    { name: `${name}: the longest step, of processor time`, unit: 'ms', value: longest },
  ];
}

/**
 * The longest that this process was busy between two turns of its event loop, in milliseconds of its own processor time: what
 * PostgreSQL takes on the same core is not its own.
 */
async function longestStepDuring(run: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let before = process.threadCpuUsage();
  const look = () => {
    const { user, system } = process.threadCpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
    before = process.threadCpuUsage();
    timer = setImmediate(look);
  };
  let timer = setImmediate(look);
  await run().finally(() => clearImmediate(timer));
  return longest;
}

/** Words as rare as words are, the same in every run. */
async function fillConversation(
  pool: pg.Pool,
  { id }: FundedSession,
  { messages, words }: Conversation,
): Promise<void> {
  let state = 1;
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const word = () => WORDS[Math.floor(WORDS.length * random() ** 3)]!;
  const contents = Array.from({ length: messages }, () => Array.from({ length: words }, word).join(' '));
  await pool.query(
    `INSERT INTO session_messages (session_id, role, content, token_count, prompt_tokens, created_at)
     SELECT $1, CASE WHEN place % 2 = 1 THEN 'user' ELSE 'assistant' END, content, ceil(length(content) / 4.0), ceil(length(content) / 4.0),
            now() - interval '1 day' + place * interval '1 s'
     FROM unnest($2::text[]) WITH ORDINALITY AS said (content, place)`,
    [id, contents],
  );
  await pool.query('UPDATE sessions SET message_count = message_count + $2 WHERE id = $1', [id, messages]);
}

const SYLLABLES = ['ba', 'cof', 'de', 'fee', 'good', 'ko', 'li', 'mo', 'pot', 'ra', 'se', 'step', 'ta', 'wa', 'you'];
const WORDS = SYLLABLES.flatMap((one) => SYLLABLES.flatMap((two) => SYLLABLES.map((three) => one + two + three)));
