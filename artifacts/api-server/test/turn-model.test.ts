import type { ScriptedStep } from '@timmy-tower/agent/testing';
import { turnSchema } from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import { collect } from './harness.ts';
import { expectNothingHappened, messagesOf, script, server, useServer } from './scripted-server.ts';

useServer();

describe('a model', () => {
  const failures: [string, ScriptedStep][] = [
    ['fails before a word', { error: new Error('model down') }],
    ['fails after some words', { deltas: ['Once ', 'upon '], error: new Error('model down') }],
    ['says nothing', { deltas: [] }],
    ['gives signs of life alone', { deltas: [{ alive: true }, { alive: true }] }],
    ['reports that it used nothing', { usage: { inputTokens: 0, outputTokens: 0 } }],
  ];
  test.each(failures)('that %s gives 502: nothing stored or charged, and its key is free', async (_, step) => {
    const session = await server.fund(1000);
    script.when('hello', step);
    const { status, body } = await session.ask('hello', { idempotencyKey: 'once' });
    expect(status).toBe(502);
    expect(body.code).toBe('agent-failed');
    expect(body.detail).toContain('Nothing was stored, and nothing was charged.');
    expect(JSON.stringify(body)).not.toContain('model down');
    await expectNothingHappened(session);

    script.clear();
    const retried = await session.ask('hello', { idempotencyKey: 'once' });
    expect(retried.status).toBe(200);
    expect(await messagesOf(session)).toHaveLength(2);
  });

  test('that fails leaves a request that can be looked up: failed, charged nothing, no reply', async () => {
    const session = await server.fund(1000);
    script.when('hello', { deltas: ['Once'], error: new Error('model down') });
    await session.ask('hello');
    const [row] = await server.query<{ id: string }>('SELECT id FROM session_requests WHERE session_id = $1', [
      session.id,
    ]);
    const { status, body } = await session.call(`/requests/${row!.id}`);
    expect(status).toBe(200);
    expect(turnSchema.parse(body)).toMatchObject({ request: { state: 'failed', chargedMsat: 0 }, reply: null });
  });

  test('that says U+0000 has it taken out, in the stream and in what is stored', async () => {
    const session = await server.fund();
    script.when('hello', { deltas: ['a\0b', '\0', 'c\0'] });
    const events = await collect(await session.stream('hello'));
    const deltas = events.flatMap((event) => (event.event === 'delta' ? [event.data.text] : []));
    expect(deltas.join('')).toBe('abc');
    expect(deltas).not.toContain('');
    expect((await messagesOf(session))[1]!.content).toBe('abc');
  });

  test('that tears a surrogate pair over two deltas is put together again', async () => {
    const session = await server.fund();
    script.when('hello', { deltas: ['see \ud83d', '\ude00 and \ud83d', '\udc4d'] });
    const events = await collect(await session.stream('hello'));
    const deltas = events.flatMap((event) => (event.event === 'delta' ? [event.data.text] : []));
    expect(deltas.join('')).toBe('see 😀 and 👍');
    for (const text of deltas) expect(text.isWellFormed()).toBe(true);
    expect((await messagesOf(session))[1]!.content).toBe('see 😀 and 👍');
  });

  test('that ends in half a surrogate pair is stored as what was answered', async () => {
    const session = await server.fund();
    script.when('hello', { deltas: ['half \ud83d'] });
    const { status, body } = await session.ask('hello');
    expect(status).toBe(200);
    expect(body.reply!.content.isWellFormed()).toBe(true);
    expect((await session.call(`/requests/${body.request.id}`)).body).toEqual(body);
  });
});
