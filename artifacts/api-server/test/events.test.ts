import {
  problemSchema,
  serverInfoSchema,
  type Session,
  sessionEventSchema,
  sessionSchema,
} from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import { openTestApp, readEvents, type TestApp, type TestSession, until } from './harness.ts';
import { script, server, useServer } from './scripted-server.ts';

useServer();

async function askForEvents({ id, key }: { id: string; key?: string }, app = server.app): Promise<Response> {
  return app.request(
    `/sessions/${id}/events`,
    key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } },
  );
}

interface Watcher {
  /** The next event's session; undefined when the stream has ended. */
  readonly next: () => Promise<Session | undefined>;
  /** The first that is like this: others may come before it. */
  readonly nextWith: (isLike: (session: Session) => boolean) => Promise<Session>;
  readonly leave: () => Promise<unknown>;
}

async function watch(session: TestSession, { app }: TestApp = server): Promise<Watcher> {
  const response = await askForEvents(session, app);
  expect(response.status).toBe(200);
  const events = readEvents(response.body!);
  const next = async () => {
    const { value, done } = await events.next();
    return done === true ? undefined : sessionEventSchema.parse(value).data;
  };
  return {
    next,
    async nextWith(isLike) {
      let now = await next();
      // oxlint-disable-next-line no-await-in-loop -- one event after the other
      while (now && !isLike(now)) now = await next();
      if (!now) throw new Error('the stream ended before');
      return now;
    },
    leave: () => events.return(undefined),
  };
}

describe('GET /sessions/:id/events', () => {
  test('begins with the session as it is, as a stream that nobody keeps', async () => {
    const session = await server.fund(100);
    const response = await askForEvents(session);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('cache-control')).toMatch(/no-(cache|store)/);
    const events = readEvents(response.body!);
    expect((await events.next()).value).toEqual({ event: 'session', data: await session.show() });
    await events.return(undefined);
  });

  test('without a key it is 401, with one that does not fit 404, as for a session that is not there', async () => {
    const [session, other] = await Promise.all([server.open(), server.open()]);
    const bare = await askForEvents({ id: session.id });
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const wrong = await Promise.all([
      askForEvents({ id: session.id, key: other.key }),
      askForEvents({ id: session.id, key: `${session.key.slice(0, -8)}AAAAAAAA` }),
      askForEvents({ id: '00000000-0000-4000-8000-000000000000', key: session.key }),
      askForEvents({ id: 'nonsense', key: session.key }),
    ]);
    const problems = await Promise.all(wrong.map(async (response) => problemSchema.parse(await response.json())));
    expect(problems.map(({ status, detail }) => [status, detail])).toEqual(wrong.map(() => [404, problems[0]!.detail]));
  });

  test('a payment shows as soon as it is credited', async () => {
    const session = await server.open(250);
    const { next, nextWith, leave } = await watch(session);
    expect(await next()).toMatchObject({ status: 'awaiting_payment', balanceMsat: 0 });
    await server.wallet.pay(session.invoice.bolt11);
    expect(await nextWith(({ status }) => status === 'active')).toMatchObject({ balanceMsat: 250_000, heldMsat: 0 });
    await leave();
  });

  test('an invoice to top up with shows, and then its payment', async () => {
    const session = await server.fund(100);
    const { next, nextWith, leave } = await watch(session);
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
    const { next, nextWith, leave } = await watch(session);
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
    const { next, nextWith, leave } = await watch(session);
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
    const { nextWith, leave } = await watch(session);
    await server.query(`UPDATE sessions SET status = 'closed' WHERE id = $1`, [session.id]);
    expect(sessionSchema.parse(await nextWith(({ status }) => status === 'closed'))).toMatchObject({
      balanceMsat: 100_000,
    });
    await leave();
  });

  test('a session that goes away ends its stream with a problem', async () => {
    const session = await server.open();
    const events = readEvents((await askForEvents(session)).body!);
    expect((await events.next()).value?.event).toBe('session');
    await server.query('DELETE FROM sessions WHERE id = $1', [session.id]);
    const { value } = await events.next();
    expect(value?.event).toBe('error');
    expect(problemSchema.parse(value?.data)).toMatchObject({ status: 404, code: 'not-found' });
    expect((await events.next()).done).toBe(true);
  });

  test('fifty watchers all see the same payment', async () => {
    const session = await server.open(100);
    const watchers = await Promise.all(Array.from({ length: 50 }, () => watch(session)));
    await server.wallet.pay(session.invoice.bolt11);
    const seen = await Promise.all(watchers.map(({ nextWith }) => nextWith(({ status }) => status === 'active')));
    expect(new Set(seen.map(({ balanceMsat }) => balanceMsat))).toEqual(new Set([100_000]));
    await Promise.all(watchers.map(({ leave }) => leave()));
  });

  test('a watcher that leaves leaves nothing running behind', async () => {
    const session = await server.fund(100);
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const watchers = await Promise.all(Array.from({ length: 50 }, () => watch(session)));
    await Promise.all(watchers.map(({ next }) => next()));
    await until(() => timers() >= before + 50);
    await Promise.all(watchers.map(({ leave }) => leave()));
    await until(() => timers() < before + 10);
    expect((await session.show()).status).toBe('active');
  });

  test('a server that shuts down ends the streams', async () => {
    const closing = await openTestApp({ agent: script.agent });
    try {
      const session = await closing.fund(100);
      const { next } = await watch(session, closing);
      expect(await next()).toMatchObject({ status: 'active' });
      await closing.deps.runningTurns.close(0);
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
    });
  });

  test('names nothing else: no address, no key, no setting', async () => {
    const { body } = await server.call<object>('/config');
    expect(Object.keys(body).toSorted()).toEqual(Object.keys(serverInfoSchema.shape).toSorted());
  });
});
