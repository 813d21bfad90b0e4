/** A reply that another server says can be joined too: it comes whole, once its turn has ended. */

import { createHistorySession } from '@timmy-tower/db';
import { afterEach, describe, expect, test } from 'vitest';

import { createSessionKey, hashSessionKey } from '../src/sessions/session-key.ts';
import { type TestApp, until } from './harness.ts';
import { join, namesOf, sayGated } from './joiners.ts';
import { cancel, openBeside, runningIn, script, server, useServer } from './scripted-server.ts';
import { statementsDuring } from './statements.ts';
import { watch } from './watchers.ts';

useServer();
const beside: TestApp[] = [];
afterEach(async () => {
  await until(() => server.deps.joinedReplies.size === 0);
  for (const other of beside.splice(0)) await other.close();
});

async function openAnother(): Promise<TestApp> {
  const other = await openBeside({ leaseMs: 5000 });
  beside.push(other);
  return other;
}

const start = (requestId: string) => ({ event: 'start', data: { requestId, history: expect.anything() } });
const delta = (text: string) => ({ event: 'delta', data: { text } });

describe('on another server than the one that runs it', () => {
  test('it waits, and comes whole at the end, to all who wait', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once ', 'upon a time']);
    const other = await openAnother();
    const joiners = [await join(session, turn.requestId, other), await join(session, turn.requestId, other)];
    const read = joiners.map(async ({ rest }) => rest());
    await until(() => other.deps.joinedReplies.size === 2);
    turn.goOn();
    turn.goOn();
    const ending = (await turn.asked).at(-1);
    for (const events of await Promise.all(read)) {
      expect(events).toEqual([start(turn.requestId), delta('Once upon a time'), ending]);
    }
    await until(() => other.deps.joinedReplies.size === 0);
  });

  test('what it asks of the database does not grow with those who wait', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once']);
    const other = await openAnother();
    const joiners = await Promise.all(Array.from({ length: 8 }, () => join(session, turn.requestId, other)));
    const statements = await statementsDuring(other, async (soFar) => {
      const looks = (isLike: RegExp) => soFar().filter((text) => isLike.test(text)).length;
      const read = joiners.map(async ({ rest }) => rest());
      await until(() => looks(/"version" from "sessions"/) >= 2);
      turn.goOn();
      await turn.asked;
      for (const events of await Promise.all(read)) expect(namesOf(events)).toEqual(['start', 'delta', 'done']);
    });
    const requestsRead = statements.filter((text) => text.includes('join "session_messages"'));
    expect(requestsRead.length, 'as it was joined, and when it had ended').toBeLessThanOrEqual(3);
  });

  test('a turn that is cancelled ends with what was said', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once']);
    const other = await openAnother();
    const read = (await join(session, turn.requestId, other)).rest();
    await until(() => other.deps.joinedReplies.size === 1);
    const { body } = await cancel(session, turn.requestId);
    expect(await read).toEqual([start(turn.requestId), delta('Once'), { event: 'done', data: body }]);
    await turn.asked;
  });

  test('a turn that fails ends with an error', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once'], { error: new Error('secret trouble') });
    const other = await openAnother();
    const read = (await join(session, turn.requestId, other)).rest();
    await until(() => other.deps.joinedReplies.size === 1);
    turn.goOn();
    expect(await read).toMatchObject([
      start(turn.requestId),
      { event: 'error', data: { code: 'agent-failed', requestId: turn.requestId } },
    ]);
    expect((await turn.asked).at(-1)).toMatchObject({ event: 'error' });
  });

  test('one that ends before it is read is not waited for, though this server saw the change already', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once']);
    const other = await openAnother();
    const watcher = await watch(other, session);
    expect(await watcher.next()).toMatchObject({ status: 'active' });
    const joiner = await join(session, turn.requestId, other);
    turn.goOn();
    await turn.asked;
    await watcher.nextWith(({ heldMsat }) => heldMsat === 0);
    expect(namesOf(await joiner.rest())).toEqual(['start', 'delta', 'done']);
    await watcher.leave();
  });

  test('it is waited for also when whoever read the session’s events has left', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once']);
    const other = await openAnother();
    const watcher = await watch(other, session);
    await watcher.next();
    const read = (await join(session, turn.requestId, other)).rest();
    await until(() => other.deps.joinedReplies.size === 1);
    await watcher.leave();
    turn.goOn();
    await turn.asked;
    expect(namesOf(await read)).toEqual(['start', 'delta', 'done']);
  });

  test('that stops meanwhile, it is told so: the turn goes on', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once']);
    const other = await openBeside();
    const joiner = await join(session, turn.requestId, other);
    const read = joiner.rest();
    await until(() => other.deps.joinedReplies.size === 1);
    const late = await join(session, turn.requestId, other);
    await other.close();
    for (const events of [await read, await late.rest()]) {
      expect(events).toMatchObject([{ event: 'error', data: { code: 'unavailable', requestId: turn.requestId } }]);
    }
    turn.goOn();
    expect((await turn.asked).at(-1)).toMatchObject({ event: 'done' });
  });

  test('a session that is removed meanwhile ends it', async () => {
    const gratis = await openBeside({ deps: { prices: { inputMsatPerKtoken: 0n, outputMsatPerKtoken: 0n } } });
    beside.push(gratis);
    // One without payments can be removed.
    const id = await createHistorySession(server.deps.db);
    const key = createSessionKey(id);
    await server.query('INSERT INTO session_keys (session_id, key_hash) VALUES ($1, $2)', [id, hashSessionKey(key)]);
    const gate = Promise.withResolvers<void>();
    script.when('tell me', { deltas: ['Once', gate.promise] });
    const asked = gratis.call(`/sessions/${id}/request`, { key, json: { content: 'tell me' } });
    const requestId = await runningIn({ id });
    const read = (await join({ id, key }, requestId)).rest();
    await until(() => server.deps.joinedReplies.size === 1);
    await server.query('DELETE FROM sessions WHERE id = $1', [id]);
    expect(await read).toMatchObject([{ event: 'error', data: { code: 'not-found' } }]);
    gate.resolve();
    expect((await asked).status).toBe(503);
  });
});
