/** The real server under 1000 rubbish requests: in little memory, telling no secret, and letting go of the slow. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Document, type FuzzedRequest, manners, operationsOf, requestsTo } from './openapi-fuzz.ts';
import { call, type ClientSession, fundSession } from './server-client.ts';
import { openPlace, type ServerProcess } from './server-process.ts';
import { openSlowModel, saying } from './slow-model.ts';
import { openClient } from './sockets.ts';

const AT_ONCE = 8;
const RUNS = 15;
/** Far from what one leaked body in each request would take, and far from what the collector leaves lying about. */
const MOST_GROWTH_MB = 120;
/** What a socket takes at once. A longer body may be refused, and the connection closed, before its end is sent. */
const SENT_AT_ONCE = 50_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** Some of everything that the document has, in an order without order. */
async function sampleRequests(server: ServerProcess, session: ClientSession, word: string): Promise<FuzzedRequest[]> {
  const { body: document } = await call<Document>(server, '/openapi.json');
  const known = { id: fc.constant(session.id) };
  const vocabulary = { schemas: document.components.schemas, word, known };
  const all = operationsOf(document).flatMap((operation) =>
    manners.map((manner) => requestsTo(operation, { manner, vocabulary, key: session.opened.key })),
  );
  const requests = all.flatMap((each) => fc.sample(each, RUNS));
  await setImmediate(); // that took a while: notice which kept connections the server has closed since
  return requests
    .map((request) => ({ at: Math.random(), request }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ request }) => request);
}

/** Sends them, a few at a time, and gives the statuses. */
async function sendAll({ url }: ServerProcess, requests: readonly FuzzedRequest[]): Promise<number[]> {
  const waiting = [...requests];
  const statuses: number[] = [];
  const send = async () => {
    for (let request = waiting.pop(); request; request = waiting.pop()) {
      const fitsAtOnce = (request.body?.length ?? 0) <= SENT_AT_ONCE;
      // oxlint-disable-next-line no-await-in-loop -- one after the other, and others beside it
      const status = await ask(url, request).catch((error: unknown) => {
        if (fitsAtOnce) throw error;
      });
      if (status !== undefined) statuses.push(status);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
  return statuses;
}

async function ask(url: string, { path, method, headers, body }: FuzzedRequest): Promise<number> {
  const response = await fetch(url + path, {
    method,
    headers: { ...headers, connection: 'close' },
    signal: AbortSignal.timeout(20_000),
    ...(body === undefined ? {} : { body }),
  });
  if (path.includes('/events')) await response.body?.cancel();
  else await response.text();
  return response.status;
}

/** Resident memory, where the system tells. */
function memoryMb(pid: number): number {
  if (process.platform !== 'linux') return 0;
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kilobytes) / 1024;
}

test('1000 rubbish requests keep no memory, tell no secret, and leave the server well', async () => {
  await using place = await openPlace();
  await using model = await openSlowModel();
  const secrets = { OPENAI_API_KEY: `sk-${randomUUID()}`, AGENT_INSTRUCTIONS: `Be kind. ${randomUUID()}` };
  const word = `plugh-${randomUUID()}`;
  let calls = 0;
  model.answer((asked) => {
    if (calls++ % 3 > 0) saying('Well.')(asked);
    else asked.fail(401, `no such key: ${asked.authorization}`);
  });
  const server = await place.start({
    ...model.env,
    ...secrets,
    DATABASE_URL: database.url,
    NEW_SESSIONS_PER_MINUTE: '100000',
    NODE_OPTIONS: '--max-old-space-size=160',
  });
  const slow = await openClient(Number(new URL(server.url).port));
  slow.socket.write('GET /healthz HTTP/1.1\r\n');
  const session = await fundSession(server, 1_000_000);
  const requests = await sampleRequests(server, session, word);

  await sendAll(server, requests);
  const before = memoryMb(server.pid);
  const statuses = [...(await sendAll(server, requests)), ...(await sendAll(server, requests))];
  expect(memoryMb(server.pid) - before).toBeLessThan(MOST_GROWTH_MB);
  expect(statuses.length).toBeGreaterThan(1000);
  expect(new Set(statuses.filter((status) => status >= 500 && status !== 503))).toEqual(new Set());

  expect((await call(server, '/readyz')).status).toBe(200);
  expect((await session.show()).heldMsat).toBe(0);
  await slow.closed;
  expect(slow.statuses()).toEqual([408]);
  const { password } = new URL(database.url);
  for (const secret of [...Object.values(secrets), password, word, session.opened.key.slice(3)]) {
    expect(server.output.stdout + server.output.stderr).not.toContain(secret);
  }
  expect(server.log().length).toBeGreaterThan(1500);
  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);
}, 180_000);
