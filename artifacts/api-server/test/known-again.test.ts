/** A turn that is asked for again with its key, after the server was started with other settings. */
import type { RequestLimits } from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import { collect, openTestApp, readEvents, type TestApp, type TestSession } from './harness.ts';
import { script, server, useServer } from './scripted-server.ts';

useServer();

/** Another server on the same database. */
async function restarted(limits: Partial<RequestLimits>): Promise<TestApp> {
  return openTestApp({
    agent: script.agent,
    database: server.database,
    wallet: server.wallet,
    deps: { limits: { ...server.deps.limits, ...limits } },
    watch: false,
  });
}

const ask = (at: TestApp, { id, key }: TestSession, body: object) =>
  at.call<{ code?: string }>(`/sessions/${id}/request`, { key, json: body, headers: { 'idempotency-key': 'k' } });

const history = { maxMessages: 3, tokenBudget: 100 };
const otherDefaults = { history: { ...history, recallTokens: 20 } };

describe('the same bytes', () => {
  test.each<[string, object, Partial<RequestLimits>]>([
    ['another MAX_OUTPUT_TOKENS', { content: 'hi' }, { maxOutputTokens: 512 }],
    ['a higher MAX_OUTPUT_TOKENS', { content: 'hi' }, { maxOutputTokens: 4096 }],
    ['another HISTORY_MAX_MESSAGES', { content: 'hi', history: { tokenBudget: 9 } }, otherDefaults],
    ['other defaults, and nothing left to them', { content: 'hi', maxOutputTokens: 9, history }, otherDefaults],
    ['a MAX_OUTPUT_TOKENS below what was asked', { content: 'hi', maxOutputTokens: 1000 }, { maxOutputTokens: 512 }],
    ['a limit below what was asked', { content: 'hi', history }, { historyLimit: { maxMessages: 2, tokenBudget: 50 } }],
  ])('give the stored answer after a start with %s, and no charge', async (_, body, limits) => {
    const session = await server.fund();
    const first = await ask(server, session, body);
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([200, null]);
    const { balanceMsat } = await session.show();
    const later = await restarted(limits);
    const again = await ask(later, session, body);
    expect([again.status, again.headers.get('idempotency-replayed'), again.body]).toEqual([200, 'true', first.body]);
    expect((await session.show()).balanceMsat).toBe(balanceMsat);
    await later.close();
  });

  test('as a stream say so, too', async () => {
    const session = await server.fund();
    const body = { content: 'hi', maxOutputTokens: 1000 };
    await ask(server, session, body);
    const later = await restarted({ maxOutputTokens: 512 });
    for (const at of [server, later]) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await at.app.request(`/sessions/${session.id}/request`, {
        method: 'POST',
        headers: {
          'x-session-key': session.key,
          'content-type': 'application/json',
          accept: 'text/event-stream',
          'idempotency-key': 'k',
        },
        body: JSON.stringify(body),
      });
      expect(response.headers.get('idempotency-replayed')).toBe('true');
      // oxlint-disable-next-line no-await-in-loop
      const events = await collect(readEvents(response.body!));
      expect(events.map(({ event }) => event)).toEqual(['start', 'delta', 'done']);
    }
    await later.close();
  });
});

test('a recall that is spelled out as the default makes no other body; another one does', async () => {
  const session = await server.fund();
  const first = await ask(server, session, { content: 'hi' });
  const spelledOut = await ask(server, session, { content: 'hi', history: { recallTokens: 1000 } });
  expect(spelledOut.body).toEqual(first.body);
  const other = await ask(server, session, { content: 'hi', history: { recallTokens: 999 } });
  expect([other.status, other.body.code]).toEqual([422, 'idempotency-mismatch']);
});

describe('other bytes', () => {
  test.each([{ content: 'ho' }, { content: 'hi', maxOutputTokens: 100 }, { content: 'hi', maxOutputTokens: 600 }])(
    'are another body after a start with another MAX_OUTPUT_TOKENS: %j',
    async (body) => {
      const session = await server.fund();
      await ask(server, session, { content: 'hi' });
      const later = await restarted({ maxOutputTokens: 512 });
      const again = await ask(later, session, body);
      expect(again.status).toBe(422);
      expect(['idempotency-mismatch', 'invalid-request']).toContain(again.body.code);
      await later.close();
    },
  );
});

test('a key that nobody used does not let in what the limits refuse', async () => {
  const session = await server.fund();
  const { status, body } = await ask(server, session, { content: 'hi', maxOutputTokens: 1025 });
  expect([status, body.code]).toEqual([422, 'invalid-request']);
  expect(script.callsAbout('hi').filter(({ options }) => options.maxOutputTokens === 1025)).toEqual([]);
});
