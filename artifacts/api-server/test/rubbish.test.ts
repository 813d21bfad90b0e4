/** Bodies that nobody should send: each is a problem that names its fault, never a mistake of ours. */
import type { Problem } from '@timmy-tower/contract';
import { beforeAll, describe, expect, test } from 'vitest';

import type { TestSession } from './harness.ts';
import { bodyPaths, expectProblem, type Raw, sendRaw } from './raw-requests.ts';
import { server, useServer } from './scripted-server.ts';

useServer();

let session: TestSession;
beforeAll(async () => {
  session = await server.fund(1_000_000);
});

const send = (path: string, raw?: Raw) => sendRaw(server, session, path, raw);

/** The answer, which must be a problem with one of these statuses. */
async function refused(statuses: number | readonly number[], path: string, raw?: Raw): Promise<Problem> {
  const answer = await send(path, raw);
  expect({ path, status: answer.status, oneOf: [statuses].flat().includes(answer.status) }).toMatchObject({
    oneOf: true,
  });
  return expectProblem(answer);
}

const requestPath = () => `/sessions/${session.id}/request`;

describe('a body that cannot be read', () => {
  test.each<[string, string | Uint8Array<ArrayBuffer> | undefined]>([
    ['nothing at all', undefined],
    ['empty', ''],
    ['blank', ' \n'],
    ['cut short', '{"content": "hel'],
    ['no JSON', 'content=hello'],
    ['JSON and more', '{"content":"hello"} {"content":"hello"}'],
    ['JSON with a comment', '{"content":"hello" /* there */}'],
    ['NaN', '{"content": NaN}'],
    ['as many brackets as may be sent', '['.repeat(16 * 1024)],
    ['invalid UTF-8', new Uint8Array([...Buffer.from('{"content":"'), 0xff, 0xfe, ...Buffer.from('"}')])],
    ['a torn UTF-8 sequence', new Uint8Array([...Buffer.from('{"content":"'), 0xe2, 0x82, ...Buffer.from('"}')])],
    ['UTF-16', new Uint8Array(Buffer.from('{"content":"hello"}', 'utf16le'))],
    ['U+0000, raw', '{"content":"a\0b"}'],
    ['U+0000, escaped', '{"content":"a\\u0000b"}'],
    ['half a surrogate pair', '{"content":"a\\ud83d"}'],
    ['the other half', '{"content":"\\ude00a"}'],
    ['surrogates the wrong way round', '{"content":"\\ude00\\ud83d"}'],
    ['U+0000 in the name of a field', '{"content":"a","b\\u0000":1}'],
  ])('%s is 400 on every route that reads one', async (_, body) => {
    for (const path of bodyPaths(session)) {
      expect(await refused(400, path, body === undefined ? {} : { body })).toMatchObject({ code: 'invalid-request' });
    }
  });

  test('is told in the same words whatever it says', async () => {
    const problem = await refused(400, requestPath(), { body: '{"content": "xyzzy-secret' });
    expect(JSON.stringify(problem)).not.toContain('xyzzy');
  });
});

describe('a body that does not fit', () => {
  const deep = (levels: number) => '[{"a":'.repeat(levels) + '1' + '}]'.repeat(levels);

  test.each<[string, string, string[]]>([
    ['no object', '"hello"', ['']],
    ['null', 'null', ['']],
    ['a list', '[]', ['']],
    ['deep', deep(5000), ['']],
    ['without content', '{}', ['content']],
    ['null for content', '{"content":null}', ['content']],
    ['a number for content', '{"content":7}', ['content']],
    ['a list for content', '{"content":["hello"]}', ['content']],
    ['deep content', `{"content":${deep(5000)}}`, ['content']],
    ['empty content', '{"content":""}', ['content']],
    ['blank content', '{"content":" \\t\\r\\n\\u00a0\\u2003"}', ['content']],
    ['content too long', JSON.stringify({ content: 'x'.repeat(100_001) }), ['content']],
    ['zero output', '{"content":"a","maxOutputTokens":0}', ['maxOutputTokens']],
    ['negative output', '{"content":"a","maxOutputTokens":-1}', ['maxOutputTokens']],
    ['fractional output', '{"content":"a","maxOutputTokens":1.5}', ['maxOutputTokens']],
    ['too much output', '{"content":"a","maxOutputTokens":1025}', ['maxOutputTokens']],
    ['infinite output', '{"content":"a","maxOutputTokens":1e400}', ['maxOutputTokens']],
    ['output in words', '{"content":"a","maxOutputTokens":"10"}', ['maxOutputTokens']],
    ['null for output', '{"content":"a","maxOutputTokens":null}', ['maxOutputTokens']],
    ['null for history', '{"content":"a","history":null}', ['history']],
    ['history in words', '{"content":"a","history":{"maxMessages":"8"}}', ['history.maxMessages']],
    [
      'huge history',
      '{"content":"a","history":{"maxMessages":9007199254740993,"tokenBudget":1e308}}',
      ['history.maxMessages', 'history.tokenBudget'],
    ],
    [
      'everything at once',
      '{"content":"","maxOutputTokens":0,"history":{"maxMessages":-1}}',
      ['content', 'maxOutputTokens', 'history.maxMessages'],
    ],
  ])('%s is 422 and every fault is named', async (_, body, paths) => {
    const problem = await refused(422, requestPath(), { body });
    expect(problem.code).toBe('invalid-request');
    expect([...new Set(problem.errors!.map(({ path }) => path))]).toEqual(paths);
  });

  test.each([
    '{"content":"a","contents":"b"}',
    '{"content":"a","__proto__":{"x":1}}',
    '{"content":"a","constructor":1}',
    '{"content":"a","history":{"max_messages":1}}',
  ])('with an unknown field is 422 and the field is named: %s', async (body) => {
    const problem = await refused(422, requestPath(), { body });
    expect(JSON.stringify(problem.errors)).toMatch(/contents|__proto__|constructor|max_messages/);
  });

  test.each([
    '-1',
    '0',
    '9',
    '1000001',
    '10.5',
    '1e400',
    '-0',
    '9007199254740993',
    '1e21',
    '"100"',
    '[100]',
    'true',
    'null',
    '{}',
  ])('asking to pay %s sats is 422', async (amount) => {
    for (const route of bodyPaths(session).slice(0, 2)) {
      const problem = await refused(422, route, { body: `{"amountSats":${amount}}` });
      expect(new Set(problem.errors!.map(({ path }) => path))).toEqual(new Set(['amountSats']));
    }
  });

  test('of a megabyte is 413, whether its length is told or not', async () => {
    const body = JSON.stringify({ content: 'x'.repeat(1_100_000) });
    for (const path of bodyPaths(session)) expect((await refused(413, path, { body })).code).toBe('payload-too-large');
    const stream = new Blob([body]).stream();
    const response = await server.app.request(requestPath(), {
      method: 'POST',
      headers: { authorization: `Bearer ${session.key}`, 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    });
    expect(response.status).toBe(413);
  });

  test('is fine at the limits: 100,000 characters, in any script', async () => {
    for (const letter of ['x', ' é', '語', '😀']) {
      const content = letter.repeat(100_000 / letter.length);
      const { status } = await session.ask(content, { body: { history: { maxMessages: 0 } } });
      expect([letter, status]).toEqual([letter, 200]);
    }
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'rubbish',
    '',
  ])('sent as %j is refused or read as JSON, and never a mistake of ours', async (type) => {
    for (const path of bodyPaths(session)) {
      const { status } = await send(path, { body: '{"unknown":1}', headers: { 'content-type': type } });
      expect([400, 415, 422]).toContain(status);
    }
  });

  test('sent as JSON with a charset is read', async () => {
    const { status } = await send(requestPath(), {
      body: '{"content":"hello"}',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });
    expect(status).toBe(200);
  });
});
