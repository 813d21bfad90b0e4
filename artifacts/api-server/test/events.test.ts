import { problemSchema, serverInfoSchema, sessionSchema } from '@timmy-tower/contract';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { openTestApp, readEvents } from './harness.ts';
import { script, server, useServer } from './scripted-server.ts';
import { askForEvents, watch } from './watchers.ts';

useServer();
afterEach(() => void vi.useRealTimers());

describe('GET /sessions/:id/events', () => {
  test('begins with the session as it is, as a stream that nobody keeps', async () => {
    const session = await server.fund(100);
    const response = await askForEvents(server, session);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('cache-control')).toMatch(/no-(cache|store)/);
    const events = readEvents(response.body!);
    expect((await events.next()).value).toEqual({ event: 'session', data: await session.show() });
    await events.return(undefined);
  });

  test('without a key it is 401, with one that does not fit 404, as for a session that is not there', async () => {
    const [session, other] = await Promise.all([server.open(), server.open()]);
    const bare = await askForEvents(server, { id: session.id });
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const wrong = await Promise.all([
      askForEvents(server, { id: session.id, key: other.key }),
      askForEvents(server, { id: session.id, key: `${session.key.slice(0, -8)}AAAAAAAA` }),
      askForEvents(server, { id: '00000000-0000-4000-8000-000000000000', key: session.key }),
      askForEvents(server, { id: 'nonsense', key: session.key }),
    ]);
    const problems = await Promise.all(wrong.map(async (response) => problemSchema.parse(await response.json())));
    expect(problems.map(({ status, detail }) => [status, detail])).toEqual(wrong.map(() => [404, problems[0]!.detail]));
  });

  test('a payment shows as soon as it is credited', async () => {
    const session = await server.open(250);
    const { next, nextWith, leave } = await watch(server, session);
    expect(await next()).toMatchObject({ status: 'awaiting_payment', balanceMsat: 0 });
    await server.wallet.pay(session.invoice.bolt11);
    expect(await nextWith(({ status }) => status === 'active')).toMatchObject({ balanceMsat: 250_000, heldMsat: 0 });
    await leave();
  });

  test('an invoice to top up with shows, and then its payment', async () => {
    const session = await server.fund(100);
    const { next, nextWith, leave } = await watch(server, session);
    expect((await next())?.invoice).toBeUndefined();
    const { body } = await session.call<{ invoice: { bolt11: string; paymentHash: string } }>('/topup', {
      json: { amountSats: 50 },
    });
    const shown = await nextWith(({ invoice }) => invoice !== undefined);
    expect(shown.invoice).toMatchObject({ paymentHash: body.invoice.paymentHash, status: 'pending' });
    await server.wallet.pay(body.invoice.bolt11);
    await nextWith(({ balanceMsat }) => balanceMsat === 150_000);
    await leave();
  });

  test('a turn shows as its hold, and as its charge when it has ended', async () => {
    const session = await server.fund(100);
    const gate = Promise.withResolvers<void>();
    script.when('slowly', { deltas: ['Once ', gate.promise, 'upon a time'] });
    const { next, nextWith, leave } = await watch(server, session);
    expect(await next()).toMatchObject({ heldMsat: 0 });
    const answer = session.ask('slowly');
    expect(await nextWith(({ heldMsat }) => heldMsat > 0)).toMatchObject({ balanceMsat: 100_000 });
    gate.resolve();
    const { balanceMsat } = (await answer).body;
    expect(await nextWith(({ heldMsat }) => heldMsat === 0)).toMatchObject({ balanceMsat });
    expect(balanceMsat).toBeLessThan(100_000);
    await leave();
  });

  test('nothing is told twice', async () => {
    const session = await server.fund(100);
    const { next, nextWith, leave } = await watch(server, session);
    const seen = [await next()];
    await session.ask('one');
    seen.push(await nextWith(({ balanceMsat, heldMsat }) => balanceMsat < 100_000 && heldMsat === 0));
    await session.ask('two');
    seen.push(await nextWith(({ balanceMsat, heldMsat }) => balanceMsat < seen[1]!.balanceMsat && heldMsat === 0));
    expect(new Set(seen.map((each) => JSON.stringify(each))).size).toBe(3);
    await leave();
  });

  test('that the session was closed shows', async () => {
    const session = await server.fund(100);
    const { nextWith, leave } = await watch(server, session);
    await server.query(`UPDATE sessions SET status = 'closed' WHERE id = $1`, [session.id]);
    expect(sessionSchema.parse(await nextWith(({ status }) => status === 'closed'))).toMatchObject({
      balanceMsat: 100_000,
    });
    await leave();
  });

  test('a session that goes away ends its stream with a problem', async () => {
    const session = await server.open();
    const events = readEvents((await askForEvents(server, session)).body!);
    expect((await events.next()).value?.event).toBe('session');
    await server.query('DELETE FROM sessions WHERE id = $1', [session.id]);
    const { value } = await events.next();
    expect(value?.event).toBe('error');
    expect(problemSchema.parse(value?.data)).toMatchObject({ status: 404, code: 'not-found' });
    expect((await events.next()).done).toBe(true);
  });

  test('everybody who reads it sees the same payment, and a newcomer what the others know', async () => {
    const session = await server.open(100);
    const watchers = await Promise.all(Array.from({ length: 8 }, () => watch(server, session)));
    await Promise.all(watchers.map(({ next }) => next()));
    await server.wallet.pay(session.invoice.bolt11);
    const seen = await Promise.all(watchers.map(({ nextWith }) => nextWith(({ status }) => status === 'active')));
    expect(new Set(seen.map(({ balanceMsat }) => balanceMsat))).toEqual(new Set([100_000]));
    const newcomer = await watch(server, session);
    expect(await newcomer.next()).toEqual(seen[0]);
    await Promise.all([newcomer, ...watchers].map(({ leave }) => leave()));
  });

  test('what a newcomer found is told to those who read already', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const session = await server.fund(100);
    const early = await watch(server, session);
    expect(await early.next()).toMatchObject({ balanceMsat: 100_000 });
    await session.ask('one');
    const late = await watch(server, session);
    const found = await late.next();
    expect(found?.balanceMsat).toBeLessThan(100_000);
    expect(await early.next()).toEqual(found);
    await Promise.all([early.leave(), late.leave()]);
  });

  test('a change is seen within half a second', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const session = await server.fund(100);
    const { next, leave } = await watch(server, session);
    await next();
    for (const status of ['closed', 'active']) {
      // oxlint-disable no-await-in-loop -- one change after the other
      await server.query(`UPDATE sessions SET status = $2 WHERE id = $1`, [session.id, status]);
      const seen = next();
      await vi.advanceTimersByTimeAsync(500);
      expect(await seen).toMatchObject({ status });
      // oxlint-enable no-await-in-loop
    }
    await leave();
  });

  test('a server that shuts down ends the streams', async () => {
    const closing = await openTestApp({ agent: script.agent });
    try {
      const session = await closing.fund(100);
      const { next } = await watch(closing, session);
      expect(await next()).toMatchObject({ status: 'active' });
      closing.deps.watchedSessions.close();
      expect(await next()).toBeUndefined();
    } finally {
      await closing.close();
    }
  });
});

describe('GET /config', () => {
  test('tells anybody who answers, at what price, and what may be deposited', async () => {
    const { status, body } = await server.call('/config');
    expect(status).toBe(200);
    expect(serverInfoSchema.parse(body)).toEqual({
      agentName: 'Timmy',
      model: 'scripted',
      demo: false,
      walletName: server.wallet.name,
      simulated: true,
      minDepositSats: 10,
      maxDepositSats: 1_000_000,
      maxOutputTokens: 1024,
      inputMsatPerKtoken: 3000,
      outputMsatPerKtoken: 15_000,
      history: { maxMessages: 8, tokenBudget: 4000, recallTokens: 1000 },
      historyLimit: { maxMessages: 200, tokenBudget: 32_000 },
    });
  });

  test('names nothing else: no address, no key, no setting', async () => {
    const { body } = await server.call<object>('/config');
    expect(Object.keys(body).toSorted()).toEqual(Object.keys(serverInfoSchema.shape).toSorted());
  });
});
