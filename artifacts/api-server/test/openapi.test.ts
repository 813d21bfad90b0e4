import { randomUUID } from 'node:crypto';

import { createScriptedAgent } from '@timmy-tower/agent/testing';
import { openTestDatabase } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApp, type TestApp, until } from './harness.ts';

interface Operation {
  readonly responses: Record<string, { description?: string; content?: Record<string, { schema?: unknown }> }>;
  readonly operationId?: string;
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[];
  readonly security?: readonly unknown[];
  readonly requestBody?: unknown;
}
interface Document {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly servers: readonly unknown[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, unknown>>;
}

interface ProblemSchema {
  readonly required: readonly string[];
  readonly properties: { readonly code: { readonly enum: readonly string[]; readonly description: string } };
}

let server: TestApp;
let document: Document;
beforeAll(async () => {
  server = await openTestApp();
  document = (await server.call<Document>('/openapi.json')).body;
});
afterAll(() => server.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

describe('/openapi.json', () => {
  test('is OpenAPI 3.1 with a title and a version', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
  });

  test('points only at components that it has, and has none that nothing points at', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference!);
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const [root, components, kind, name] = reference.split('/');
      expect([root, components]).toEqual(['#', 'components']);
      expect(document.components[kind!]).toHaveProperty([name!]);
    }
  });

  test('describes every operation: what it answers, with which schema, and every part of its path', () => {
    expect(operations().length).toBeGreaterThan(8);
    for (const { path, operation } of operations()) {
      const answers = Object.entries(operation.responses);
      expect(answers.length).toBeGreaterThan(0);
      for (const [status, { description, content }] of answers) {
        expect(status).toMatch(/^[2-5]\d\d$/);
        expect(description).toBeTruthy();
        for (const { schema } of Object.values(content ?? {})) expect(schema).toBeTypeOf('object');
        const types = Object.keys(content ?? {});
        expect(Number(status) < 400 || types.includes('application/problem+json') || path === '/readyz').toBe(true);
      }
      const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
      const declared = (operation.parameters ?? []).filter(({ in: place }) => place === 'path');
      expect(declared.map(({ name }) => name).toSorted()).toEqual(parts.toSorted());
      for (const { required } of declared) expect(required).toBe(true);
    }
  });

  test('names every operation, each otherwise, and where they are: beside itself', () => {
    const names = operations().map(({ operation }) => operation.operationId);
    expect(names).toEqual(names.map(() => expect.stringMatching(/^[a-z][A-Za-z]+$/)));
    expect(new Set(names).size).toBe(names.length);
    expect(document.servers).toEqual([{ url: '.' }]);
  });

  test('leaves out what may be left out, and tells the bounds of what may not', () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this test is about
    const { Turn, Deposit } = document.components['schemas'] as Record<string, { required: string[] }>;
    expect([Turn!.required, Deposit!.required]).toEqual([['content'], ['amountSats']]);
    expect(JSON.stringify(Turn)).not.toContain('"default"');
    const { parameters } = document.paths['/sessions/{id}/messages']!['get']!;
    expect(parameters!.find(({ name }) => name === 'limit')).toMatchObject({
      schema: { type: 'integer', minimum: 1, maximum: 200 },
    });
  });

  test('says of every problem what to do, and that each has its code', () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this test is about
    const { Problem } = document.components['schemas'] as Record<string, ProblemSchema>;
    expect(Problem!.required).toEqual(expect.arrayContaining(['type', 'title', 'status', 'code']));
    const { enum: codes, description } = Problem!.properties.code;
    expect(codes.length).toBeGreaterThan(15);
    for (const code of codes) expect(description).toMatch(new RegExp(`^- \`${code}\`: .{10,}$`, 'm'));
  });

  test('has the events of its streams as schemas, and none of them as what a call answers', () => {
    const schemas = document.components['schemas']!;
    for (const name of ['TurnEvent', 'SessionEvent']) expect(schemas[name]).toMatchObject({ oneOf: expect.any(Array) });
    const { content } = document.paths['/sessions/{id}/request']!['post']!.responses['200']!;
    expect(Object.keys(content!)).toEqual(['application/json']);
  });

  test('has every call of the contract', () => {
    const calls = operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(calls).toEqual(
      expect.arrayContaining([
        'POST /sessions',
        'GET /sessions/{id}',
        'POST /sessions/{id}/topup',
        'POST /sessions/{id}/request',
        'GET /sessions/{id}/requests/{requestId}',
        'POST /sessions/{id}/requests/{requestId}/cancel',
        'POST /sessions/{id}/estimate',
        'GET /sessions/{id}/ledger',
        'GET /sessions/{id}/messages',
        'DELETE /sessions/{id}/messages',
        'GET /healthz',
        'GET /readyz',
        'POST /dev/wallet/pay',
      ]),
    );
  });

  test('has every route that the app has', () => {
    const documented = new Set(operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`));
    const served = server.app.routes
      .filter(({ method, path }) => method !== 'ALL' && !/^\/(docs\b|openapi\.json$|$)/.test(path))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`);
    expect(served.length).toBeGreaterThan(8);
    for (const route of served) expect(documented).toContain(route);
  });

  test('asks for a session key under /sessions/{id} and nowhere else', () => {
    for (const { path, operation } of operations()) {
      expect([path, operation.security?.length ?? 0]).toEqual([path, path.startsWith('/sessions/{id}') ? 2 : 0]);
    }
    expect(document.components['securitySchemes']).toMatchObject({
      sessionKey: { type: 'http', scheme: 'bearer' },
      sessionKeyHeader: { type: 'apiKey', in: 'header', name: 'X-Session-Key' },
    });
  });

  test('lists the status of whatever is answered', async () => {
    const session = await server.fund();
    const { body } = await session.ask('hello', { idempotencyKey: 'k' });
    const unpaid = await server.open();
    const requestId = body.request.id;
    const calls: [string, string, number, Parameters<TestApp['call']>[1] & { id?: string; requestId?: string }][] = [
      ['POST', '/sessions', 201, { json: { amountSats: 10 } }],
      ['POST', '/sessions', 422, { json: {} }],
      ['GET', '/sessions/{id}', 200, {}],
      ['GET', '/sessions/{id}', 401, { key: '' }],
      ['GET', '/sessions/{id}', 404, { key: 'nonsense' }],
      ['POST', '/sessions/{id}/topup', 201, { json: { amountSats: 10 } }],
      ['POST', '/sessions/{id}/topup', 422, { json: { amountSats: 1 } }],
      ['POST', '/sessions/{id}/request', 200, { json: { content: 'hello' } }],
      ['POST', '/sessions/{id}/request', 422, { json: { content: '' } }],
      ['POST', '/sessions/{id}/request', 400, { json: { content: '\0' } }],
      ['POST', '/sessions/{id}/request', 402, { json: { content: 'hello' }, key: unpaid.key, id: unpaid.id }],
      ['POST', '/sessions/{id}/request', 413, { json: { content: 'x'.repeat(2_000_000) } }],
      ['GET', '/sessions/{id}/requests/{requestId}', 200, {}],
      ['GET', '/sessions/{id}/requests/{requestId}', 404, { requestId: randomUUID() }],
      ['POST', '/sessions/{id}/requests/{requestId}/cancel', 200, {}],
      ['POST', '/sessions/{id}/requests/{requestId}/cancel', 404, { requestId: randomUUID() }],
      ['GET', '/sessions/{id}/messages', 200, {}],
      ['DELETE', '/sessions/{id}/messages', 204, {}],
      ['GET', '/healthz', 200, {}],
      ['GET', '/readyz', 200, {}],
      ['POST', '/dev/wallet/pay', 200, { json: { bolt11: unpaid.invoice.bolt11 } }],
    ];
    for (const [method, path, status, { id = session.id, requestId: other = requestId, ...init }] of calls) {
      const url = path.replace('{id}', id).replace('{requestId}', other);
      const { key = session.key, ...rest } = init;
      const answer = await server.call(url, { method, ...rest, ...(key === '' ? {} : { key }) });
      expect([method, path, answer.status]).toEqual([method, path, status]);
      const described = document.paths[path]?.[method.toLowerCase()]?.responses[status];
      expect(described, `${method} ${path} ${status}`).toBeDefined();
      const type = answer.headers.get('content-type')?.split(';')[0];
      const types = Object.keys(described!.content ?? {});
      expect(type === undefined ? types.length === 0 : types.includes(type)).toBe(true);
    }
  });
});

describe('/docs', () => {
  test('loads only what the server itself has', async () => {
    const response = await server.app.request('/docs');
    expect(response.status).toBe(200);
    const html = await response.text();
    const sources = [...html.matchAll(/<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=["']?([^"'\s>]+)/g)].map(
      ([, source]) => source!,
    );
    expect(sources.length).toBeGreaterThan(0);
    expect(html).not.toMatch(/(?:src|href)=["']?(?:https?:)?\/\//);
    for (const source of sources.filter((one) => !one.startsWith('data:'))) {
      const url = new URL(source, 'http://tower.test/docs');
      expect(url.origin).toBe('http://tower.test');
      const loaded = await server.app.request(url.pathname);
      expect([url.pathname, loaded.status]).toEqual([url.pathname, 200]);
      await loaded.text();
    }
  });

  test('is where / leads', async () => {
    const response = await server.app.request('/');
    expect(response.status).toBeGreaterThanOrEqual(301);
    expect(response.status).toBeLessThanOrEqual(308);
    expect(response.headers.get('location')).toBe('docs'); // beside it, wherever a proxy has put it
  });

  test('serves no file outside its own', async () => {
    const probes = [
      '/docs/../package.json',
      '/docs/%2e%2e/package.json',
      '/docs/..%2fpackage.json',
      '/docs/package.json',
      '/docs/.',
    ];
    for (const path of probes) {
      const { status } = await server.app.request(path);
      expect([path, status]).toEqual([path, 404]);
    }
  });
});

describe('health', () => {
  test('/healthz answers while the server lives', async () => {
    expect((await server.call('/healthz')).status).toBe(200);
  });

  test('/readyz names a wallet that is down, which does not stop funded sessions', async () => {
    const session = await server.fund();
    const up = await server.call('/readyz');
    server.wallet.simulateOutage(true);
    let down = up;
    await until(async () => {
      down = await server.call('/readyz');
      return JSON.stringify(down.body).includes('down');
    });
    const asked = await session.ask('hello');
    server.wallet.simulateOutage(false);
    expect([up.status, down.status, asked.status]).toEqual([200, 200, 200]);
    expect(down.body).toEqual({ ...Object(up.body), wallet: 'down' });
  });

  test('/readyz names what the operator must do about the model', async () => {
    expect((await server.call('/readyz')).body).toMatchObject({ agent: 'ok' });
    const health = { status: 'out-of-order', code: 'HTTP 401 invalid_api_key' } as const;
    const app = await openTestApp({
      agent: createScriptedAgent([], { health }),
      database: server.database,
      wallet: server.wallet,
    });
    const { status, body } = await app.call('/readyz');
    expect(status).toBe(200);
    expect(body).toMatchObject({ agent: 'out-of-order', agentFault: 'HTTP 401 invalid_api_key' });
    await app.close();
  });

  test('/readyz answers 503 when the database is down, and so does everything that needs it', async () => {
    const database = await openTestDatabase();
    const cut = await openTestApp({ database, wallet: server.wallet, watch: false });
    const session = await cut.open();
    await database.close();
    const ready = await cut.call('/readyz');
    expect(ready.status).toBe(503);
    expect((await cut.call('/healthz')).status).toBe(200);
    const calls = await Promise.all([
      session.call<{ code: string }>(''),
      session.ask('hello'),
      cut.call<{ code: string }>('/sessions', { json: { amountSats: 100 } }),
    ]);
    for (const { status, body } of calls) expect([status, body.code]).toEqual([503, 'unavailable']);
    await cut.close().catch(() => {});
  });
});
