/** A running reply can be joined, on whichever server: what was said so far, then the rest, then what its turn ends with. */
import { randomUUID } from 'node:crypto';

import { problemSchema, type TurnAnswer } from '@timmy-tower/contract';
import { afterEach, describe, expect, test } from 'vitest';

import { collect, type TestApp, until } from './harness.ts';
import { askToJoin, join, namesOf, sayGated, textOf } from './joiners.ts';
import { cancel, never, openBeside, runningIn, script, server, useServer } from './scripted-server.ts';
import { statementsDuring } from './statements.ts';

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

describe('on the server that runs it', () => {
  test('what was said so far comes at once, then the rest as it is said, then the same end', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once ', 'upon ', 'a time']);
    const joiner = await join(session, turn.requestId);
    expect([await joiner.next(), await joiner.next()]).toEqual([start(turn.requestId), delta('Once ')]);
    turn.goOn();
    expect(await joiner.next()).toEqual(delta('upon '));
    turn.goOn();
    expect(await joiner.next()).toEqual(delta('a time'));
    turn.goOn();
    const asked = await turn.asked;
    expect(await joiner.rest()).toEqual([asked.at(-1)]);
    expect(asked[0]).toEqual(start(turn.requestId));
  });

  test('who joins later gets all that was said in one piece; who joined before goes on', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once ', 'upon ', 'a time']);
    const early = await join(session, turn.requestId);
    expect([await early.next(), await early.next()]).toEqual([start(turn.requestId), delta('Once ')]);
    turn.goOn();
    expect(await early.next()).toEqual(delta('upon '));
    const late = await join(session, turn.requestId.toUpperCase());
    expect([await late.next(), await late.next()]).toEqual([start(turn.requestId), delta('Once upon ')]);
    turn.goOn();
    turn.goOn();
    const [ending] = (await turn.asked).slice(-1);
    for (const joiner of [early, late]) expect(await joiner.rest()).toEqual([delta('a time'), ending]);
  });

  test('before the first word, it waits for it; of what is thought it tells nothing', async () => {
    const session = await server.fund();
    const gate = Promise.withResolvers<void>();
    script.when('think', { deltas: [{ reasoning: 'hm' }, gate.promise, '  ', 'Well'] });
    const asked = session.ask('think');
    const requestId = await runningIn(session);
    const joiner = await join(session, requestId);
    expect(await joiner.next()).toEqual(start(requestId));
    gate.resolve();
    expect(await joiner.rest()).toEqual([delta('  Well'), { event: 'done', data: (await asked).body }]);
  });

  test('asks nothing of the database but whose key it is', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once']);
    const statements = await statementsDuring(server, async () => {
      const joiner = await join(session, turn.requestId);
      expect([await joiner.next(), await joiner.next()]).toEqual([start(turn.requestId), delta('Once')]);
      await joiner.leave();
    });
    expect(statements.filter((text) => text.includes('"session_messages"'))).toEqual([]);
    turn.goOn();
    await turn.asked;
  });

  test('leaving ends nothing, neither the joiner’s nor the caller’s own', async () => {
    const session = await server.fund();
    const gate = Promise.withResolvers<void>();
    script.when('tell me', { deltas: ['Once ', gate.promise, 'upon a time'] });
    const own = await session.stream('tell me');
    const requestId = await runningIn(session);
    const [leaving, staying] = [await join(session, requestId), await join(session, requestId)];
    for (const joiner of [leaving, staying]) expect(await joiner.next()).toEqual(start(requestId));
    expect(await staying.next()).toEqual(delta('Once '));
    await own.next();
    await own.return(undefined);
    await leaving.leave();
    expect(server.deps.joinedReplies.size).toBe(1);
    gate.resolve();
    const rest = await staying.rest();
    expect(namesOf(rest)).toEqual(['delta', 'done']);
    expect(rest.at(-1)!.data).toMatchObject({
      request: { state: 'completed' },
      reply: { content: 'Once upon a time' },
    });
  });

  test('a turn that is cancelled ends for all with what was said', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once'], { hang: true });
    const joiner = await join(session, turn.requestId);
    expect(await joiner.next()).toEqual(start(turn.requestId));
    turn.goOn();
    const { body } = await cancel(session, turn.requestId);
    expect(await joiner.rest()).toEqual([delta('Once'), { event: 'done', data: body }]);
    expect(body.request.incompleteReason).toBe('cancelled');
  });

  test('a turn that fails ends with the problem that its caller is told', async () => {
    const session = await server.fund();
    const turn = await sayGated(session, ['Once'], { error: new Error('secret trouble') });
    const joiner = await join(session, turn.requestId);
    expect(await joiner.next()).toEqual(start(turn.requestId));
    turn.goOn();
    const rest = await joiner.rest();
    expect(rest).toEqual([delta('Once'), (await turn.asked).at(-1)]);
    expect(rest.at(-1)).toMatchObject({ event: 'error', data: { code: 'agent-failed', requestId: turn.requestId } });
  });

  test('a server that stops ends a joined reply as the turn itself', async () => {
    const stopping = await openBeside();
    const session = await stopping.fund();
    script.when('tell me', { deltas: ['Once', never] });
    const own = await session.stream('tell me');
    const requestId = await runningIn(session);
    const joiner = await join(session, requestId, stopping);
    expect([await joiner.next(), await joiner.next()]).toEqual([start(requestId), delta('Once')]);
    await stopping.close();
    const ending = (await collect(own)).at(-1);
    expect(ending).toMatchObject({ event: 'error', data: { code: 'unavailable', requestId } });
    expect(await joiner.rest()).toEqual([ending]);
  });
});

describe('a request that has ended', () => {
  test('is a replay: all of it, on any server', async () => {
    const session = await server.fund();
    const { body } = await session.ask('hello');
    const other = await openAnother();
    for (const at of [server, other]) {
      // oxlint-disable-next-line no-await-in-loop
      expect(await (await join(session, body.request.id, at)).rest()).toEqual([
        { event: 'start', data: { requestId: body.request.id, history: body.history } },
        delta('Said: hello'),
        { event: 'done', data: body },
      ]);
    }
  });

  test('without a word, or whose words were forgotten, has no delta', async () => {
    const session = await server.fund();
    const { body } = await session.ask('hello');
    await session.call('/messages', { method: 'DELETE' });
    const forgotten = await (await join(session, body.request.id)).rest();
    expect(namesOf(forgotten)).toEqual(['start', 'done']);
    expect(forgotten[1]!.data).toMatchObject({ reply: null });
    script.when('be silent', { deltas: [], usage: { inputTokens: 7, outputTokens: 3 } });
    const silent = await session.ask('be silent');
    expect(namesOf(await (await join(session, silent.body.request.id)).rest())).toEqual(['start', 'done']);
  });

  test('that failed ends with an error, which names it', async () => {
    const session = await server.fund();
    script.when('hello', { deltas: ['Once'], error: new Error('secret trouble') });
    const { requestId = '' } = (await session.ask('hello')).body;
    const events = await (await join(session, requestId)).rest();
    expect(namesOf(events)).toEqual(['start', 'error']);
    expect(problemSchema.parse(events[1]!.data)).toMatchObject({ code: 'agent-failed', status: 502, requestId });
    expect((await session.call<TurnAnswer>(`/requests/${requestId}`)).body.request.state).toBe('failed');
  });
});

test('another session’s request, running or not, and one that never was are not found', async () => {
  const [session, other] = [await server.fund(), await server.fund()];
  const turn = await sayGated(session, ['Once']);
  const ended = (await other.ask('hello')).body.request.id;
  const cases = [
    [other, turn.requestId],
    [session, ended],
    [session, randomUUID()],
    [session, 'nonsense'],
    [{ ...session, key: other.key }, turn.requestId],
  ] as const;
  for (const [asker, requestId] of cases) {
    // oxlint-disable-next-line no-await-in-loop
    const response = await askToJoin(asker, requestId);
    // oxlint-disable-next-line no-await-in-loop
    expect([response.status, problemSchema.parse(await response.json()).code]).toEqual([404, 'not-found']);
  }
  turn.goOn();
  await turn.asked;
});

test('whatever the moment of joining, the deltas are the reply', async () => {
  const pieces = Array.from('Zwölf 😀 Boxkämpfer jagen Viktor 🇩🇪 quer über den großen Sylter Deich').flatMap(
    (character) => character.split(''),
  );
  const session = await server.fund();
  const turn = await sayGated(session, pieces);
  const other = await openAnother();
  const read: Promise<string>[] = [];
  for (const [n] of pieces.entries()) {
    if (n % 3 === 0 && read.length < 8) {
      // oxlint-disable-next-line no-await-in-loop -- at this moment
      const joiner = await join(session, turn.requestId, n % 9 === 0 ? other : server);
      read.push(joiner.rest().then(textOf));
    }
    turn.goOn();
  }
  const asked = await turn.asked;
  for (const text of await Promise.all(read)) expect(text).toBe(pieces.join(''));
  expect(textOf(asked)).toBe(pieces.join(''));
});
