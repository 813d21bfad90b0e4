/** Asks the recovered server, as its clients do: are acknowledged answers repeated letter by letter, and is nobody let in? */
import { randomUUID } from 'node:crypto';

import type { MessagesPage, Session } from '@timmy-tower/contract';

import { CUT, call, readEvents, send } from './http.ts';
import { isSameAnswer, type KnownSession, mayBeForgotten, type Turn } from './journal.ts';
import { madeUpKey } from './made-up-key.ts';
import type { Random } from './random.ts';
import type { Scene } from './scene.ts';

const NEW_ANSWERS = 10;
const OLD_ANSWERS = 5;
const SESSIONS = 3;

interface Answered {
  readonly session: KnownSession;
  readonly turn: Turn;
}

/** `everything`: every acknowledged answer and session, not only some of them. */
export async function checkAnswers(scene: Scene, random: Random, everything: boolean): Promise<void> {
  const answered = scene.journal.sessions.flatMap((session) =>
    session.turns.filter(({ answer }) => answer !== undefined).map((turn) => ({ session, turn })),
  );
  const recent = answered.filter(({ turn }) => turn.answeredInRound === scene.round);
  const sample = everything
    ? answered
    : [...random.sample(recent, NEW_ANSWERS), ...random.sample(answered, OLD_ANSWERS)];
  for (const each of sample) {
    await checkAnswer(scene, random, each);
  }
  const { sessions } = scene.journal;
  for (const session of everything ? sessions : random.sample(sessions, SESSIONS)) {
    await checkSession(scene, random, session);
  }
}

async function checkAnswer(scene: Scene, random: Random, { session, turn }: Answered): Promise<void> {
  const server = scene.pickServer(random);
  const path = `/sessions/${session.id}`;
  const shown = call(server, `${path}/requests/${turn.requestId}`, { key: session.key });
  const texts = [await shown.then(textOf)];
  if (turn.idempotencyKey !== undefined) {
    const headers = { 'idempotency-key': turn.idempotencyKey };
    const init = { key: session.key, body: turn.body, headers };
    texts.push(
      await call(server, `${path}/request`, init).then(textOf),
      await replayedAsStream(scene, { session, turn }),
    );
  }
  scene.counts.checkedAnswers += 1;
  const forgotten = mayBeForgotten(session, turn.answeredAtMs ?? 0);
  if (!texts.every((text) => isSameAnswer(turn.answer ?? '', text, { forgotten, twoVersions: scene.twoVersions }))) {
    scene.report('7: an acknowledged answer is repeated letter by letter', [session.id, turn.requestId ?? '']);
  }
}

const textOf = (answer: Awaited<ReturnType<typeof call>>) =>
  answer === CUT || answer.status !== 200 ? '{}' : answer.text;

async function replayedAsStream(scene: Scene, { session, turn }: Answered): Promise<string> {
  const headers = { 'idempotency-key': turn.idempotencyKey ?? '', accept: 'text/event-stream' };
  const init = { key: session.key, body: turn.body, headers };
  try {
    const response = await send(scene.servers[0]!, `/sessions/${session.id}/request`, init);
    const events = response.body ? await Array.fromAsync(readEvents(response.body)) : [];
    return events.find(({ event }) => event === 'done')?.data ?? '{}';
  } catch {
    return '{}'; // not what was acknowledged
  }
}

async function checkSession(scene: Scene, random: Random, session: KnownSession): Promise<void> {
  const shown = await show(scene, session.id, session.key);
  const [stored] = await scene.database.query<{ balance: string }>(
    'SELECT balance_msat::text AS balance FROM sessions WHERE id = $1',
    [session.id],
  );
  const body: Partial<Session> = JSON.parse(shown.text);
  if (shown.status !== 200) scene.report('7: a session that was given out is still there', [session.id]);
  else if (body.heldMsat !== 0 || String(body.balanceMsat) !== stored?.balance) {
    scene.report('1: a session shows its balance and no hold', [session.id]);
  }
  await checkPages(scene, random, session);
  await checkNobodyElse(scene, session);
}

/** The conversation page by page is the conversation, both ways. */
async function checkPages(scene: Scene, random: Random, session: KnownSession): Promise<void> {
  const stored = await scene.database.query<{ id: string }>(
    'SELECT id FROM session_messages WHERE session_id = $1 ORDER BY created_at, seq',
    [session.id],
  );
  const order = random.pick(['asc', 'desc']);
  const limit = random.whole(1, 9);
  const ids: string[] = [];
  let more = true;
  while (more) {
    const after: string = ids.length > 0 ? `&after=${ids.at(-1)}` : '';
    const path = `/sessions/${session.id}/messages?limit=${limit}&order=${order}${after}`;
    const page: Partial<MessagesPage> = JSON.parse(textOf(await call(scene.servers[0]!, path, { key: session.key })));
    ids.push(...(page.messages ?? []).map(({ id }) => id));
    more = page.hasMore === true;
  }
  if (order === 'desc') ids.reverse();
  if (ids.join() !== stored.map(({ id }) => id).join()) {
    scene.report('4: the pages of a conversation are the conversation', [session.id]);
  }
}

async function checkNobodyElse(scene: Scene, session: KnownSession): Promise<void> {
  const wrongKey = madeUpKey(session.id);
  const other = scene.journal.sessions.find((known) => known !== session)?.key ?? wrongKey;
  const nobody = await show(scene, randomUUID(), wrongKey);
  const [none, wrong, foreign] = await Promise.all([
    show(scene, session.id, undefined),
    show(scene, session.id, wrongKey),
    show(scene, session.id, other),
  ]);
  const refused = [wrong, foreign].every(({ status, text }) => status === 404 && text === nobody.text);
  if (none.status !== 401 || !refused) scene.report('8: a session shows itself to its key alone', [session.id]);
}

async function show(
  scene: Scene,
  sessionId: string,
  key: string | undefined,
): Promise<{ status: number; text: string }> {
  const answer = await call(scene.servers[0]!, `/sessions/${sessionId}`, { key });
  return answer === CUT ? { status: 0, text: '{}' } : answer;
}
