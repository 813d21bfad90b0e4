/** A real client of a model that misbehaves, and a log that tells operators of it without repeating what anyone said. */
import type { StreamEvent } from '@timmy-tower/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type DatabaseProxy, openDatabaseProxy } from './database-proxy.ts';
import { until } from './harness.ts';
import { database, model, place, useSurroundings } from './process-surroundings.ts';
import { call, type ClientSession, fundSession, openSession, pay } from './server-client.ts';
import { type ServerProcess } from './server-process.ts';
import { USAGE } from './slow-model.ts';

const API_KEY = 'sk-planted-api-key';
const MESSAGE = 'planted-message';
const REPLY = 'planted-reply';

let proxy: DatabaseProxy;
let server: ServerProcess;
/** What no line of output may hold: what is planted, and a statement with its parameters. */
const secrets = [API_KEY, MESSAGE, REPLY, 'Failed query'];

useSurroundings();
beforeAll(async () => {
  proxy = await openDatabaseProxy(database.url);
  server = await place.start({ DATABASE_URL: proxy.url, ...model.env, OPENAI_API_KEY: API_KEY });
});
afterAll(() => proxy[Symbol.asyncDispose]());

const fund = async (): Promise<ClientSession> => {
  const session = await fundSession(server);
  secrets.push(session.opened.key);
  return session;
};

const untouched = async (session: ClientSession) => {
  expect(await session.show()).toMatchObject({ balanceMsat: 1_000_000, heldMsat: 0 });
  expect(await session.said()).toEqual([]);
};

test('a reply is charged by the usage that the model reports', async () => {
  const session = await fund();
  const asking = session.ask(MESSAGE);
  const turn = await model.called();
  expect(turn.asked).toBe(MESSAGE);
  expect(turn.authorization).toBe(`Bearer ${API_KEY}`);
  await turn.say(REPLY);
  turn.finish();
  expect(await asking).toMatchObject({
    status: 200,
    body: {
      request: {
        inputTokens: USAGE.input,
        outputTokens: USAGE.output,
        chargedMsat: USAGE.input * 3 + USAGE.output * 15,
      },
      reply: { content: REPLY },
    },
  });
});

test('a model that does not tell its usage is charged by our own count, never nothing', async () => {
  const session = await fund();
  const asking = session.ask(`${MESSAGE}: how many words are these?`);
  const turn = await model.called();
  await turn.say(`${REPLY} and a few more words`);
  turn.finish('no usage');
  const { status, body } = await asking;
  expect(status).toBe(200);
  const { inputTokens, outputTokens, chargedMsat } = body.request;
  expect(inputTokens).toBeGreaterThan(5);
  expect(outputTokens).toBeGreaterThan(5);
  expect(chargedMsat).toBe(inputTokens! * 3 + outputTokens! * 15);
});

test('a model that fails: 502, nothing stored, nothing charged, and the same key may try again', async () => {
  const session = await fund();
  const asking = session.ask(MESSAGE, { idempotencyKey: 'again' });
  (await model.called()).fail(500, 'out of cards');
  (await model.called()).fail(500, 'out of cards'); // the client tries once more by itself
  const { status, body } = await asking;
  expect(status).toBe(502);
  expect(body).toMatchObject({ code: 'agent-failed', requestId: expect.any(String) });
  expect(JSON.stringify(body)).not.toContain('cards');
  await untouched(session);
  expect(await session.request(body.requestId!)).toMatchObject({ request: { state: 'failed', chargedMsat: 0 } });

  const retry = session.ask(MESSAGE, { idempotencyKey: 'again' });
  const turn = await model.called();
  await turn.say(REPLY);
  turn.finish();
  expect((await retry).status).toBe(200);
});

test('a model that dies in the middle: the stream ends in an error, nothing stored, nothing charged', async () => {
  const session = await fund();
  const events = await session.stream(MESSAGE);
  const turn = await model.called();
  await turn.say(REPLY);
  const seen: StreamEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (event.event === 'delta') turn.die();
  }
  expect(seen).toMatchObject([
    { event: 'start' },
    { event: 'delta', data: { text: REPLY } },
    { event: 'error', data: { status: 502, code: 'agent-failed' } },
  ]);
  await untouched(session);
});

test('a model that dies before it says a word: 502 and nothing charged', async () => {
  const session = await fund();
  const asking = session.ask(MESSAGE);
  (await model.called()).die();
  const failed = await Promise.race([asking, model.called()]);
  if ('die' in failed) failed.die(); // the client may try once more
  expect(await asking).toMatchObject({ status: 502, body: { code: 'agent-failed' } });
  await untouched(session);
});

test('a model that hangs is cancelled: what it said is kept, charged and shown from then on', async () => {
  const session = await fund();
  const events = await session.stream(MESSAGE);
  const { value: started } = await events.next();
  const turn = await model.called();
  await turn.say(REPLY);
  await events.next();
  const cancelled = await session.cancel(started.data.requestId);
  expect(cancelled.body).toMatchObject({
    request: { state: 'incomplete', incompleteReason: 'cancelled' },
    reply: { content: REPLY },
  });
  expect(cancelled.body.request.chargedMsat).toBeGreaterThan(0);
  await turn.closed;
  expect(await Array.fromAsync(events)).toEqual([{ event: 'done', data: cancelled.body }]);

  const asking = session.ask('Go on');
  const next = await model.called();
  expect(next.messages.slice(1).map(({ content }) => content)).toEqual([MESSAGE, REPLY, 'Go on']);
  await next.say('I will.');
  next.finish();
  expect((await asking).status).toBe(200);
});

test('a model that never says a word is cancelled: the input is charged, and the pair is left out of prompts', async () => {
  const session = await fund();
  const asking = session.ask(MESSAGE);
  const turn = await model.called();
  const { body: busy } = await session.ask('Hello?');
  const { body } = await session.cancel(busy.requestId!);
  expect(body).toMatchObject({
    request: { state: 'incomplete', incompleteReason: 'cancelled', outputTokens: 0 },
    reply: { content: '' },
  });
  expect(body.request.chargedMsat).toBe(body.request.inputTokens! * 3);
  expect((await asking).body).toEqual(body);
  await turn.closed;

  const next = session.ask('Hello again');
  const again = await model.called();
  expect(again.messages.slice(1).map(({ content }) => content)).toEqual(['Hello again']);
  await again.say('Hello.');
  again.finish();
  expect((await next).body.history).toMatchObject({ messages: 0, dropped: 2 });
});

test('a caller who leaves does not undo a turn: the same key fetches it', async () => {
  const session = await fund();
  const events = await session.stream(MESSAGE, { idempotencyKey: 'left' });
  await events.next();
  const turn = await model.called();
  await turn.say(REPLY);
  await events.next();
  await events.return(undefined); // hangs up
  await turn.say(' and more');
  turn.finish();
  const fetched = async () => session.ask(MESSAGE, { idempotencyKey: 'left' });
  await until(async () => (await fetched()).status === 200);
  expect((await fetched()).body).toMatchObject({
    request: { state: 'completed' },
    reply: { content: `${REPLY} and more` },
  });
});

test('the log is JSON with an id for every request, and no line of output repeats a secret', async () => {
  const session = await fund();
  const { body: payment } = await pay(server, (await openSession(server)).opened.invoice.bolt11);
  secrets.push(payment.preimage, new URL(database.url).password);
  expect(payment.preimage).toMatch(/^[0-9a-f]{64}$/);
  const wrongKey = session.opened.key.slice(0, -4) + 'AAAA';
  secrets.push(wrongKey);

  // What goes wrong is where words slip out.
  const seen = await Promise.all([
    session.call('/request', { json: { content: MESSAGE, [MESSAGE]: 1 } }),
    session.call('/request', { method: 'POST', headers: { 'content-type': 'application/json' } }),
    session.call('/requests/not-an-id'),
    session.call(`/messages?after=${MESSAGE}`),
    call(server, `/sessions/${session.id}`, { key: wrongKey }),
    pay(server, `lnbcrt1${MESSAGE}`),
  ]);
  expect(seen.every(({ status }) => status >= 400 && status < 500)).toBe(true);
  const refused = session.ask(MESSAGE);
  (await model.called()).fail(401, `Incorrect API key provided: ${API_KEY}`);
  expect(await refused).toMatchObject({ status: 503, body: { code: 'agent-unavailable' } });
  const quoting = session.ask(MESSAGE);
  (await model.called()).fail(400, `Cannot answer "${MESSAGE}" with ${API_KEY}`);
  expect(await quoting).toMatchObject({ status: 422, body: { code: 'agent-refused' } });
  for (const statement of ['reserve_turn', 'settle_turn']) {
    const gone = proxy.cutAt(statement, 'before');
    const asking = session.ask(MESSAGE);
    if (statement === 'settle_turn') {
      const turn = await model.called();
      await turn.say(REPLY);
      turn.finish();
    }
    await gone;
    expect((await session.call('')).status).toBe(503);
    expect((await asking).status).toBe(503);
    proxy.restore();
  }
  // A statement that PostgreSQL itself refuses, quoting what was said.
  await database.db.$client.query(`
    CREATE FUNCTION refuse_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'these words are refused: %', NEW.content; END $$;
    CREATE TRIGGER refuse_words BEFORE INSERT ON session_messages FOR EACH ROW EXECUTE FUNCTION refuse_words()`);
  await database.db.$client.query(
    `UPDATE session_requests SET lease_expires_at = clock_timestamp() - interval '1 s' WHERE state = 'running'`,
  );
  const asking = session.ask(MESSAGE);
  const turn = await model.called();
  await turn.say(REPLY);
  turn.finish();
  const broken = await asking;
  expect(broken.status).toBe(500);
  expect(broken.body).toEqual({
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    code: 'internal-error',
  });
  await database.db.$client.query('DROP FUNCTION refuse_words CASCADE');

  const answers = [...seen, broken];
  await until(() => answers.every(({ headers }) => server.output.stderr.includes(headers.get('x-request-id')!)));
  const log = server.log();
  for (const line of log) {
    expect(line).toMatchObject({ level: expect.any(Number), msg: expect.any(String) });
    expect(new Date(line.time).toISOString()).toBe(line.time);
  }
  for (const { status, headers } of answers) {
    const httpRequestId = headers.get('x-request-id');
    expect(log).toContainEqual(expect.objectContaining({ msg: 'request', httpRequestId, status }));
  }
  expect(log.filter(({ level }) => level >= 50).length).toBeGreaterThan(3);
  for (const text of Object.values(server.output)) {
    for (const secret of secrets) expect(text.includes(secret) ? `holds ${secret}` : '').toBe('');
  }
});
