/** Paths, methods and headers that nobody should send. */
import { beforeAll, describe, expect, test } from 'vitest';

import type { TestSession } from './harness.ts';
import { expectProblem, type Raw, sendRaw } from './raw-requests.ts';
import { server, useServer } from './scripted-server.ts';

useServer();

let session: TestSession;
beforeAll(async () => {
  session = await server.fund(1_000_000);
});

const send = (path: string, raw?: Raw) => sendRaw(server, session, path, raw);

/** The answer is a problem, with this status. */
async function statusOf(path: string, raw?: Raw): Promise<number> {
  const answer = await send(path, raw);
  return expectProblem(answer).status;
}

describe('a path or method that is not there', () => {
  test.each([
    '/nowhere',
    '/sessions/',
    '/sessions/%00',
    '/sessions/%ff',
    '/sessions/%',
    '/sessions/%c0%ae',
    '//',
    '/sessions//request',
    `/${'x'.repeat(20_000)}`,
    '/sessions/🦆',
    '/sessions/..%2f..%2fetc/passwd',
    '/sessions?x=%00',
    '/SESSIONS',
    '/healthz/',
    '/dev/wallet',
  ])('%s is 404, 405 or 401 as a problem', async (path) => {
    for (const method of ['GET', 'DELETE', 'PUT']) expect([401, 404, 405]).toContain(await statusOf(path, { method }));
  });

  test('has the session’s id or request’s id in any spelling refused without a mistake of ours', async () => {
    for (const id of [
      '%00',
      '%ff',
      '%',
      '..%2f',
      '1',
      ' ',
      'null',
      "'; DROP TABLE sessions;--",
      'x'.repeat(5000),
      '%F0%9F%98%80',
      '\ud83d',
    ]) {
      expect([401, 404]).toContain(await statusOf(`/sessions/${id}`, { method: 'GET' }));
      expect([401, 404]).toContain(await statusOf(`/sessions/${id}/messages`, { method: 'GET' }));
      expect([404]).toContain(await statusOf(`/sessions/${session.id}/requests/${id}x`, { method: 'GET' }));
      expect([404]).toContain(await statusOf(`/sessions/${session.id}/requests/${id}x/cancel`));
      expect([422, 400]).toContain(
        await statusOf(`/sessions/${session.id}/messages?after=${encodeURIComponent(id.toWellFormed())}`, {
          method: 'GET',
        }),
      );
    }
  });

  test.each([
    ['PUT', '/sessions'],
    ['PATCH', '/sessions'],
    ['GET', '/sessions'],
    ['DELETE', '/healthz'],
    ['GET', '/dev/wallet/pay'],
    ['TRACE_', '/sessions'],
    ['POST', '/openapi.json'],
  ])('%s %s is 404 or 405', async (method, path) => {
    expect([404, 405]).toContain(await statusOf(path, { method }));
  });

  test('HEAD answers like GET, without a body', async () => {
    const { status, text } = await send(`/sessions/${session.id}`, { method: 'HEAD' });
    expect([status, text]).toEqual([200, '']);
  });
});

describe('an odd header', () => {
  test.each([
    ['Authorization', ''],
    ['Authorization', 'Bearer'],
    ['Authorization', 'Bearer '],
    ['Authorization', 'Basic dGltbXk6dG93ZXI='],
    ['Authorization', `Bearer ${'x'.repeat(10_000)}`],
    ['Authorization', `Bearer tt_${'A'.repeat(64)}`],
    ['Authorization', 'Bearer a, Bearer b'],
    ['Authorization', 'Bearer \u00ff\u00fe'],
  ])('%s: %s opens nothing', async (header, value) => {
    expect([401, 404]).toContain(
      await statusOf(`/sessions/${session.id}`, { method: 'GET', headers: { [header.toLowerCase()]: value } }),
    );
  });

  test('of a kind that nobody asked for changes nothing', async () => {
    const { status } = await send(`/sessions/${session.id}`, {
      method: 'GET',
      headers: {
        accept: 'rubbish/;;q=x',
        'x-forwarded-for': 'rubbish, 1.2.3.4',
        'x-http-method-override': 'DELETE',
        'last-event-id': 'rubbish',
        range: 'bytes=0-1',
        'if-none-match': '*',
        expect: '200-maybe',
      },
    });
    expect(status).toBe(200);
  });
});
