/**
 * Everything that a server sends in its life, but for a few statements with their reasons, is such that a PostgreSQL sharded
 * by session runs it on one shard.
 */
import { randomBytes } from 'node:crypto';

import type { LedgerPage } from '@timmy-tower/contract';
import { findKeys, listSessions, listSessionVersions, listWatchedInvoices } from '@timmy-tower/db';
import { brokenShardRules } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startRecovery } from '../src/sessions/recover.ts';
import { pollPayments, settlePayment } from '../src/sessions/settlement.ts';
import { collect, createMessageScript, openTestApp, type TestApp, type TestSession, until } from './harness.ts';
import { type SentStatement, sentDuring } from './statements.ts';

/** What names no session: it is about all of them, or the session is what it finds out. */
const ABOUT_NO_SESSION: Record<string, RegExp> = {
  'whether the database can be written': /^SELECT check_writable\(\)$/,
  'many sessions that are watched, each with its own invoice: joined by the session, so within its shard':
    /^select .* from "sessions" left join lateral .*"invoices"."session_id" = "sessions"."id".* where "sessions"."id" = ANY\(/s,
  'requests whose lease ran out':
    /^select .* from "session_requests" where .*"state" = 'running' and .*"lease_expires_at" </,
  'invoices that are due': /^SELECT session_id, payment_hash FROM invoices WHERE next_lookup_at <=/,
  'invoices that are watched': /^select .* from "invoices" where \(?"invoices"."next_lookup_at" is not null/,
  'idle sessions': /^select .* from "sessions" where status = 'active' AND used_at </,
  'unpaid sessions': /^select .* from "sessions" where status = 'awaiting_payment'/,
  'a credit, which knows the hash of the payment': /^SELECT credit_payment\(\$1, \$2\)/,
};

const DAY = `interval '1 day'`;
const script = createMessageScript();
const never = new Promise<never>(() => {});

let server: TestApp;
beforeAll(async () => {
  server = await openTestApp({ agent: script.agent, watch: false, leaseMs: 3000 });
});
afterAll(() => server.close());

async function openAndPay(): Promise<TestSession> {
  const session = await server.open(100);
  const events = await server.app.request(`/sessions/${session.id}/events`, {
    headers: { authorization: `Bearer ${session.key}` },
  });
  await session.call('/topup', { json: { amountSats: 200 } });
  await server.wallet.pay(session.invoice.bolt11);
  await settlePayment(server.deps, session.invoice.paymentHash);
  await until(async () => (await session.show()).status === 'active');
  await events.body!.cancel();
  return session;
}

async function takeTurns(session: TestSession): Promise<void> {
  const { body } = await session.ask('a question', { idempotencyKey: 'a key' });
  await session.ask('a question', { idempotencyKey: 'a key' });
  await session.ask('another question', { idempotencyKey: 'a key' });
  await collect(await session.stream('streamed'));
  await session.call(`/requests/${body.request.id}`);
  script.when('fail', { error: new Error('the model is down') });
  await session.ask('fail');
  const poor = await server.open(10);
  await server.wallet.pay(poor.invoice.bolt11);
  await settlePayment(server.deps, poor.invoice.paymentHash);
  await poor.ask('a long question '.repeat(500));
}

/** Once its lease was renewed. */
async function cancelOne(session: TestSession): Promise<void> {
  script.when('go on', { deltas: ['Once', never] });
  const events = await session.stream('go on');
  await events.next();
  const first = await readRunning(session);
  await until(async () => (await readRunning(session)).lease > first.lease);
  await session.call(`/requests/${first.id}/cancel`, { method: 'POST' });
  await collect(events);
}

async function readRunning({ id }: TestSession): Promise<{ id: string; lease: Date }> {
  const [running] = await server.query<{ id: string; lease: Date }>(
    `SELECT id, lease_expires_at AS lease FROM session_requests WHERE session_id = $1 AND state = 'running'`,
    [id],
  );
  return running!;
}

async function readAndForget(session: TestSession): Promise<void> {
  type Page = { messages: { id: string }[] };
  for (const order of ['asc', 'desc']) {
    // oxlint-disable-next-line no-await-in-loop
    const { body } = await session.call<Page>(`/messages?limit=2&order=${order}`);
    // oxlint-disable-next-line no-await-in-loop
    await session.call(`/messages?limit=2&order=${order}&after=${body.messages[1]!.id}`);
  }
  await session.call(`/messages?after=${crypto.randomUUID()}`);
  await readAccount(session);
  await session.call('/messages', { method: 'DELETE' });
}

async function readAccount(session: TestSession): Promise<void> {
  await session.call('/estimate', { json: { content: 'a question' } });
  for (const order of ['asc', 'desc']) {
    // oxlint-disable-next-line no-await-in-loop
    const { body } = await session.call<LedgerPage>(`/ledger?limit=1&order=${order}`);
    // oxlint-disable-next-line no-await-in-loop
    await session.call(`/ledger?limit=1&order=${order}&after=${body.entries[0]!.id}`);
  }
  await session.call(`/ledger?after=${crypto.randomUUID()}`);
}

/** A running turn is renewed and swept, a session expires and another is removed. */
async function tidy(session: TestSession, unpaid: TestSession): Promise<void> {
  await pollPayments(server.deps);
  await startRecovery(server.deps)(); // ends the request
  await startRecovery(server.deps)(); // so that its session can expire
  for (const after of [undefined, { createdAt: 'now', paymentHash: session.invoice.paymentHash }]) {
    // oxlint-disable-next-line no-await-in-loop
    await listWatchedInvoices(server.deps.db, { after, limit: 10 });
  }
  await until(async () => (await session.show()).status === 'expired');
  await until(async () => (await unpaid.call('')).status === 404);
}

async function watchMany(session: TestSession): Promise<void> {
  const key = { sessionId: session.id, keyHash: randomBytes(32) };
  await findKeys(server.deps.db, [key, key]);
  await listSessionVersions(server.deps.db, [session.id]);
  await listSessions(server.deps.db, [session.id]);
}

/** As if it were long after. */
async function passTime(session: TestSession, unpaid: TestSession): Promise<void> {
  await server.query(`UPDATE sessions SET used_at = used_at - 40 * ${DAY} WHERE id = $1`, [session.id]);
  await server.query('UPDATE invoices SET next_lookup_at = NULL WHERE session_id = ANY($1)', [[session.id, unpaid.id]]);
  await server.query(
    `INSERT INTO session_requests (id, session_id, model, max_output_tokens, held_msat, history_messages, history_tokens,
       history_dropped, lease_owner, lease_expires_at)
     VALUES (gen_random_uuid(), $1, 'a model', 1, 0, 0, 0, 0, gen_random_uuid(), now() - ${DAY})`,
    [session.id],
  );
}

let sent: SentStatement[];
test('a life of a server comes past every statement that it knows', async () => {
  const unpaid = await server.open();
  let session: TestSession;
  sent = await sentDuring(server, async () => {
    session = await openAndPay();
    await takeTurns(session);
    await cancelOne(session);
    await readAndForget(session);
    await watchMany(session);
    await server.call('/readyz');
  });
  await passTime(session!, unpaid);
  sent.push(...(await sentDuring(server, () => tidy(session, unpaid))));
  const texts = sent.map(({ text }) => text.trim());
  for (const statement of Object.values(ABOUT_NO_SESSION))
    expect(texts).toContainEqual(expect.stringMatching(statement));
  for (const named of EXPECTED) expect(texts).toContainEqual(expect.stringContaining(named));
});

/** A part of each of the others. */
const EXPECTED = [
  'reserve_turn(',
  'estimate_turn(',
  'settle_turn(',
  'release_turn(',
  'open_session(',
  'add_invoice(',
  'forget_messages(',
  'expire_session(',
  'remove_unpaid_session(',
  'update "session_requests" set "lease_expires_at"',
  'update "session_requests" set "cancel_requested_at"',
  'from "ledger_entries"',
];

test('every statement names its session as a parameter, has no volatile change and reckons with no column', () => {
  const texts = new Set(sent.map(({ text }) => text.trim()));
  const others = [...texts].filter((text) => !Object.values(ABOUT_NO_SESSION).some((known) => known.test(text)));
  expect(others.length).toBeGreaterThan(15);
  expect(others.flatMap((text) => brokenShardRules(text).map((rule) => `${rule}: ${text}`))).toEqual([]);
});

test('every function that is called is given its session first', () => {
  const calls = sent.flatMap(({ text }) => [
    ...text.matchAll(/\b(\w+_(?:turn|session|invoice|messages|payment))\((\$?\w+)/g),
  ]);
  expect(calls.length).toBeGreaterThan(5);
  expect(calls.filter(([, , first]) => first !== '$1').map(([call]) => call)).toEqual([]);
});
