/**
 * The server on a database that an earlier version left, as those see it who hold the keys: what they were told then, they are told
 * now, and everything goes on.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { MessagesPage, Problem, Session, TopUp, TurnAnswer } from '@timmy-tower/contract';
import { listDiscrepancies, openDatabase } from '@timmy-tower/db';
import { type OldAnswers, type OldSession, type OldTurn, oldVersions, openOldDatabase } from '@timmy-tower/db/testing';
import { openSimulatedWallet, type SimulatedWallet } from '@timmy-tower/lightning';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Answer, type CallInit, createMessageScript, openTestApp, type TestApp, until } from './harness.ts';

describe.each(oldVersions)('a database of version %s:', (version) => {
  let server: TestApp;
  let wallet: SimulatedWallet;
  let answers: OldAnswers;
  let close: () => Promise<void>;
  const script = createMessageScript();

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-upgrade-'));
    const old = await openOldDatabase(version);
    ({ answers } = old);
    await writeFile(join(directory, 'seed'), answers.walletSeed);
    wallet = await openSimulatedWallet({ directory });
    // Nobody's server ran when this was paid.
    await wallet.pay(scene('unpaidTooLate').invoices[0]!.bolt11, { ignoreExpiry: true });
    const database = { url: old.url, ...(await openDatabase(old.url)) };
    // The database is as old as it is; what is active in it is not to expire for that.
    server = await openTestApp({ agent: script.agent, wallet, database, deps: { sessionIdleDays: 36_500 } });
    close = async () => {
      await server.close();
      await database.close();
      await old.close();
      await wallet.close();
      await rm(directory, { recursive: true });
    };
  });
  afterAll(() => close());

  const scene = (name: string): OldSession => answers.sessions[name]!;

  function call<Body>(name: string, path: string, init: CallInit = {}): Promise<Answer<Body>> {
    const { key, session } = scene(name);
    return server.call(`/sessions/${session.id}${path}`, { key, ...init });
  }

  const ask = (name: string, body: OldTurn['body'], idempotencyKey?: string) =>
    call<TurnAnswer & Problem>(name, '/request', {
      json: body,
      headers: idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
    });

  const show = async (name: string) => (await call<Session>(name, '')).body;
  const messagesOf = async (name: string) => (await call<MessagesPage>(name, '/messages?limit=200')).body.messages;

  /** What the model was shown when this was said. */
  const shownWith = (content: string) => script.callsAbout(content).at(-1)!.prompt.history;

  const untouched = ['talkative', 'idle', 'forgotten', 'stopped', 'shortOfBalance', 'blank', 'closed'];

  describe.each(untouched)('the session %s', (name) => {
    test('has the same key, status, balance and conversation', async () => {
      const { id, status, balanceMsat, createdAt } = scene(name).session;
      expect(await show(name)).toMatchObject({ id, status, balanceMsat, createdAt, heldMsat: 0 });
      expect(await messagesOf(name)).toMatchObject(scene(name).messages);
    });

    test('has the same answers to the same keys, without a charge, and refuses another body', async () => {
      const before = await show(name);
      const asked = script.agent.calls.length;
      for (const { idempotencyKey, body, answer } of scene(name).turns) {
        const { id, state } = answer.request;
        expect((await call(name, `/requests/${id}`)).body).toMatchObject(answer);
        if (state === 'failed') continue;
        expect(await ask(name, body, idempotencyKey)).toMatchObject({ status: 200, body: answer });
        const other = await ask(name, { content: 'something else' }, idempotencyKey);
        expect([other.status, other.body.code]).toEqual([422, 'idempotency-mismatch']);
      }
      expect(script.agent.calls).toHaveLength(asked);
      expect(await show(name)).toEqual(before);
    });
  });

  test('a conversation goes on: the model is shown its newest messages, and the charge is taken from the balance', async () => {
    const { messages, session } = scene('talkative');
    const { status, body } = await ask('talkative', { content: 'And tea?' });
    expect([status, body.history]).toMatchObject([200, { messages: 8, dropped: 0 }]);
    expect(shownWith('And tea?')).toEqual(messages.map(({ role, content }) => ({ role, content })));
    expect(body.balanceMsat).toBe(session.balanceMsat - body.request.chargedMsat!);
    expect((await messagesOf('talkative')).slice(messages.length)).toMatchObject([
      { role: 'user', content: 'And tea?', sessionRequestId: body.request.id },
      { role: 'assistant', content: 'Said: And tea?', sessionRequestId: body.request.id },
    ]);
  });

  test('what was cancelled before a word stays out of prompts, and the key of a failed turn is free', async () => {
    const failed = scene('stopped').turns.find(({ answer }) => answer.request.state === 'failed')!;
    const { status, body } = await ask('stopped', failed.body, failed.idempotencyKey);
    expect([status, body.reply?.content]).toEqual([200, 'Said: Fail']);
    expect(shownWith('Fail').map(({ content }) => content)).toEqual([
      'Count to ten',
      'One, two,',
      'A long story',
      'Once upon a',
      'Go on',
      'Said: Go on',
    ]);
  });

  test('a reply without a word, stored as any other, is kept to be read and shown to no model', async () => {
    expect((await ask('blank', { content: 'Go on' })).status).toBe(200);
    expect(shownWith('Go on').map(({ content }) => content)).toEqual(['Hello', 'Said: Hello']);
    expect((await messagesOf('blank')).map(({ content }) => content)).toEqual([
      ...scene('blank').messages.map(({ content }) => content),
      'Go on',
      'Said: Go on',
    ]);
  });

  test('what was forgotten is shown to nobody', async () => {
    expect((await ask('forgotten', { content: 'What was it?' })).status).toBe(200);
    expect(shownWith('What was it?')).toEqual([]);
  });

  test('the turn of the server that died is ended: nothing is held, nothing was charged, and its key is free', async () => {
    const { session, turns, messages } = scene('dying');
    const running = turns.at(-1)!;
    await until(async () => (await show('dying')).heldMsat === 0);
    expect(await show('dying')).toMatchObject({ status: 'active', balanceMsat: session.balanceMsat });
    expect((await call(`dying`, `/requests/${running.answer.request.id}`)).body).toMatchObject({
      request: { state: 'failed', chargedMsat: 0 },
      reply: null,
    });
    const again = await ask('dying', running.body, running.idempotencyKey);
    expect([again.status, again.body.reply?.content]).toEqual([200, 'Said: Still there?']);
    expect(shownWith('Still there?')).toHaveLength(messages.length);
  });

  test('an invoice that was pending is paid, credited once, and spent', async () => {
    expect(await show('unpaid')).toMatchObject({ status: 'awaiting_payment', balanceMsat: 0 });
    const refused = await ask('unpaid', { content: 'Too early' });
    expect([refused.status, refused.body.code]).toEqual([402, 'payment-required']);
    await wallet.pay((await show('unpaid')).invoice!.bolt11, { ignoreExpiry: true });
    await until(async () => (await show('unpaid')).status === 'active');
    expect(await show('unpaid')).toMatchObject({ balanceMsat: 100_000 });
    expect((await ask('unpaid', { content: 'In time' })).status).toBe(200);
  });

  test('one that expired and was paid while no server ran is credited once', async () => {
    await until(async () => (await show('unpaidTooLate')).status === 'active');
    expect(await show('unpaidTooLate')).toMatchObject({ balanceMsat: 100_000 });
  });

  test('a session that expired keeps its balance, and a payment revives it', async () => {
    const { session } = scene('idle');
    expect((await ask('idle', { content: 'Back again' })).status).toBe(410);
    const { body } = await call<TopUp>('idle', '/topup', { json: { amountSats: 10 } });
    await wallet.pay(body.invoice.bolt11);
    await until(async () => (await show('idle')).status === 'active');
    expect(await show('idle')).toMatchObject({ balanceMsat: session.balanceMsat + 10_000 });
    expect((await ask('idle', { content: 'Back again' })).status).toBe(200);
    expect(shownWith('Back again')).toHaveLength(2);
  });

  test('a session that was closed stays closed', async () => {
    const { status, body } = await ask('closed', { content: 'Hello?' });
    expect([status, body.code]).toEqual([410, 'session-closed']);
  });

  test('the books balance after all that', async () => {
    expect(await listDiscrepancies(server.deps.db)).toEqual([]);
  });
});
