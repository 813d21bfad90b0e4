/** One server with a scripted agent for all tests of a file; after each of them the books must balance. */
import type { MessagesPage, Problem, TurnAnswer } from '@timmy-tower/contract';
import { listLedger } from '@timmy-tower/db';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';

import {
  createMessageScript,
  expectBooksBalance,
  openTestApp,
  type TestApp,
  type TestAppOptions,
  type TestSession,
  until,
} from './harness.ts';

/** What the agent says to which message. Forgotten after each test. */
export const script = createMessageScript();
export const never = new Promise<never>(() => {});

/** Open from `beforeAll` on. */
export let server: TestApp;

export function useServer(): void {
  beforeAll(async () => {
    server = await openTestApp({ agent: script.agent });
  });
  afterEach(async () => {
    script.clear();
    await expectBooksBalance(server);
  });
  afterAll(() => server.close());
}

/** One more server on the same database and wallet, whose agent is the same script unless another is given. */
export const openBeside = (options: TestAppOptions = {}): Promise<TestApp> =>
  openTestApp({ agent: script.agent, database: server.database, wallet: server.wallet, ...options });

/** Asks for a turn with a body to the byte as it is given. */
export const postTurn = async (
  { id, key }: TestSession,
  body: string,
  headers: Record<string, string> = {},
  at: TestApp = server,
): Promise<Response> =>
  at.app.request(`/sessions/${id}/request`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body,
  });

export const messagesOf = async (session: TestSession) => (await session.call<MessagesPage>('/messages')).body.messages;

/** The id of the request that runs, once one does. */
export async function runningIn(session: Pick<TestSession, 'id'>): Promise<string> {
  const find = () =>
    server.query<{ id: string }>("SELECT id FROM session_requests WHERE session_id = $1 AND state = 'running'", [
      session.id,
    ]);
  await until(async () => (await find()).length === 1);
  return (await find())[0]!.id;
}

export const cancel = (session: TestSession, requestId: string, at: TestApp = server) =>
  at.call<TurnAnswer & Problem>(`/sessions/${session.id}/requests/${requestId}/cancel`, {
    method: 'POST',
    key: session.key,
  });

/** Nothing stored, nothing charged, nothing held. */
export async function expectNothingHappened(session: TestSession, balanceMsat = 1_000_000): Promise<void> {
  expect(await session.show()).toMatchObject({ status: 'active', balanceMsat, heldMsat: 0 });
  expect(await messagesOf(session)).toEqual([]);
  expect((await listLedger(server.deps.db, session.id)).map(({ kind }) => kind)).toEqual(['deposit']);
}
