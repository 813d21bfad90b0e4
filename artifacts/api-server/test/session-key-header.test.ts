/** Where a session key may stand in a request, and what a proxy may put beside it. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApp, type TestApp, type TestSession } from './harness.ts';

let server: TestApp;
let session: TestSession;
let other: TestSession;
beforeAll(async () => {
  server = await openTestApp();
  session = await server.fund();
  other = await server.fund();
});
afterAll(() => server.close());

const madeUp = () => `${session.key.slice(0, -8)}AAAAAAAA`;

test.each<[string, number, () => Record<string, string>]>([
  ['in Authorization', 200, () => ({ authorization: `Bearer ${session.key}` })],
  ['in X-Session-Key', 200, () => ({ 'x-session-key': session.key })],
  ['in X-Session-Key, with blanks around it', 200, () => ({ 'x-session-key': ` ${session.key} ` })],
  ['in both', 200, () => ({ 'x-session-key': session.key, authorization: `Bearer ${session.key}` })],
  [
    'beside a password of the proxy',
    200,
    () => ({ 'x-session-key': session.key, authorization: 'Basic dXNlcjpwdw==' }),
  ],
  ['beside a token of the proxy', 200, () => ({ 'x-session-key': session.key, authorization: 'Bearer eyJhbGciOi.J9' })],
  ['beside another one', 400, () => ({ 'x-session-key': session.key, authorization: `Bearer ${other.key}` })],
  ['beside one that opens nothing', 400, () => ({ 'x-session-key': session.key, authorization: `Bearer ${madeUp()}` })],
  ['that opens another session', 404, () => ({ 'x-session-key': other.key })],
  ['that is none, beside one in Authorization', 404, () => ({ 'x-session-key': 'none', authorization: 'Bearer x' })],
  ['twice', 404, () => ({ 'x-session-key': `${session.key}, ${session.key}` })],
  ['nowhere, but for a password of the proxy', 401, () => ({ authorization: 'Basic dXNlcjpwdw==' })],
  ['nowhere', 401, () => ({})],
])('a key %s: %i', async (_, status, headers) => {
  const answer = await server.call<{ code?: string }>(`/sessions/${session.id}`, { headers: headers() });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
});
