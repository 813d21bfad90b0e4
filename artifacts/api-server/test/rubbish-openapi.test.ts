/** The whole API, fuzzed from its own document: every operation there is asked for things that fit, nearly fit, and do not. */
import { randomUUID } from 'node:crypto';

import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { createMessageScript, expectBooksBalance, openTestApp, type TestApp, type TestSession } from './harness.ts';
import { fitting, missing, type Vocabulary } from './json-schema-arbitraries.ts';
import { faultsOf, type Json } from './json-schema.ts';
import {
  type Document,
  type FuzzedAnswer,
  type FuzzedRequest,
  type Manner,
  manners,
  type Operation,
  operationsOf,
  requestsTo,
  undocumented,
} from './openapi-fuzz.ts';

const RUNS: Record<Manner, number> = { fitting: 25, missing: 40, hostile: 40 };
/** Far more than the slowest takes, where others are at work too: what hangs is noticed all the same. */
const TIME_LIMIT_MS = 20_000;
/** Said by the caller here, and by somebody else there. */
const [word, foreignWord] = [`plugh-${randomUUID()}`, `xyzzy-${randomUUID()}`];

let server: TestApp;
let session: TestSession;
let foreign: TestSession;
let document: Document;
let vocabulary: Vocabulary;
const logged: string[] = [];
/** What each operation was answered with. */
const answered = new Map<string, Set<number>>();

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  server = await openTestApp({ agent: createMessageScript().agent, deps: { log } });
  session = await server.fund(1_000_000);
  foreign = await server.fund();
  await foreign.ask(foreignWord);
  const { body } = await session.ask(word);
  const invoices = await Promise.all(Array.from({ length: 60 }, () => server.open(10)));
  document = (await server.call<Document>('/openapi.json')).body;
  const known = {
    id: fc.constant(session.id),
    requestId: fc.constant(body.request.id),
    bolt11: fc.constantFrom(...invoices.map(({ invoice }) => invoice.bolt11)),
    after: fc.constant(body.reply!.id),
  };
  vocabulary = { schemas: document.components.schemas, known, word };
});
afterAll(async () => {
  vi.useRealTimers();
  await server.close();
});

async function send({ method, path, headers, body }: FuzzedRequest): Promise<FuzzedAnswer & { headers: Headers }> {
  const init = { method, headers, signal: AbortSignal.timeout(TIME_LIMIT_MS), ...(body === undefined ? {} : { body }) };
  const response = await server.app.request(path, init);
  const type = response.headers.get('content-type')?.split(';')[0];
  const text = type === 'text/event-stream' ? await readStream(response) : await response.text();
  return { status: response.status, type, text, headers: response.headers };
}

/** A stream up to its last event; one that has none, up to its first. */
async function readStream(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    if (/^event: session$/m.test(text) && text.endsWith('\n\n')) break;
  }
  return text;
}

/** Everything that is wrong with an answer, whatever was asked. */
async function wrongs(operation: Operation, request: FuzzedRequest): Promise<string[]> {
  const startedAt = performance.now();
  vi.setSystemTime(Date.now() + 400); // some calls are let in three times a second
  const answer = await send(request);
  const { status, type, text, headers } = answer;
  answered.set(operation.name, (answered.get(operation.name) ?? new Set()).add(status));
  const mayRepeatWords = status === 200 && operation.path.startsWith('/sessions/{id}/');
  const checks: Array<[boolean, string]> = [
    [status < 500, `${status}`],
    [status < 400 || type === 'application/problem+json', `${status} as ${type}`],
    [performance.now() - startedAt < TIME_LIMIT_MS, 'too slow'],
    [headers.get('x-content-type-options') === 'nosniff', 'no security headers'],
    [!text.includes(session.key.slice(3)) && !text.includes(foreign.key.slice(3)), 'a key'],
    [!text.includes(foreignWord), 'another session’s words'],
    [mayRepeatWords || !text.includes(word), 'words where none belong'],
  ];
  const failed = checks.filter(([fine]) => !fine).map(([, what]) => what);
  return [...failed, ...undocumented(operation, answer, document.components.schemas)];
}

describe('every operation of the document', () => {
  test.each(manners)(
    'answers as documented when what it is asked is %s',
    async (manner) => {
      for (const operation of operationsOf(document)) {
        const requests = requestsTo(operation, { manner, vocabulary, key: session.key });
        // oxlint-disable-next-line no-await-in-loop -- one conversation, one turn at a time
        await fc.assert(
          fc.asyncProperty(requests, async (request) => {
            expect({ operation: operation.name, wrongs: await wrongs(operation, request) }).toMatchObject({
              wrongs: [],
            });
          }),
          { numRuns: RUNS[manner] },
        );
      }
      await expectBooksBalance(server);
    },
    180_000,
  );

  test('was reached: with success, and wherever it can be asked something wrong, without', () => {
    const operations = operationsOf(document);
    expect([...answered.keys()].toSorted()).toEqual(operations.map(({ name }) => name).toSorted());
    for (const { name, parameters, requestBody, security } of operations) {
      const statuses = [...answered.get(name)!];
      const succeeded = statuses.some((status) => status < 300);
      const refused = statuses.some((status) => status >= 400);
      const due = [...(requestBody ? [400, 422] : []), ...(security ? [401, 404] : [])];
      const unseen = due.filter((status) => !statuses.includes(status));
      expect({ name, succeeded, refused, unseen }).toEqual({
        name,
        succeeded: true,
        refused: parameters !== undefined || requestBody !== undefined,
        unseen: [],
      });
    }
  });

  test('left no word, no key and no preimage in any log line, and no error', () => {
    expect(logged.length).toBeGreaterThan(500);
    const secrets = [word, foreignWord, session.key.slice(3), foreign.key.slice(3)];
    for (const line of logged) {
      for (const secret of secrets) expect(line).not.toContain(secret);
      expect(line).not.toMatch(/"level":[56]0|preimage/);
    }
  });
});

describe('the values that are made from a schema', () => {
  const schemas = () => document.components.schemas;

  test('fit it, or miss it, as they are meant to', () => {
    for (const schema of Object.values(schemas())) {
      fc.assert(fc.property(fitting(schema, vocabulary), (value) => faultsOf(value, schema, schemas()).length === 0));
      const sample = fc.sample(missing(schema, vocabulary), 100);
      const missed = sample.filter((value) => faultsOf(value, schema, schemas()).length > 0);
      expect(missed.length).toBeGreaterThan(50);
    }
  });

  test.each<[string, object, Json]>([
    ['a keyword', { type: 'string', contentEncoding: 'base64' }, ''],
    ['a keyword within', { type: 'object', properties: { a: { type: 'array', uniqueItems: true } } }, { a: [] }],
    ['a format', { type: 'string', format: 'email' }, ''],
    ['a type', { type: 'file' }, ''],
    ['a reference', { $ref: '#/components/schemas/Nowhere' }, ''],
  ])('are not made up where %s is not known', (_, schema, value) => {
    expect(() => fc.sample(fitting(schema, vocabulary), 20)).toThrow('do not know');
    expect(() => faultsOf(value, schema, schemas())).toThrow('do not know');
  });
});
