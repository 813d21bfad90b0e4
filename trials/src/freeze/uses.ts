/** Every use of a lock that a server makes, and how it is brought about. */
import { randomUUID } from 'node:crypto';

import { call } from '../http.ts';
import type { KnownSession } from '../journal.ts';
import { topUp } from '../payments.ts';
import { Random } from '../random.ts';
import { until } from '../recovery.ts';
import type { Scene } from '../scene.ts';
import type { ServerProcess } from '../server-process.ts';

const SWEEP_PATIENCE_MS = 20_000;

export interface UseContext {
  readonly scene: Scene;
  /** The one to be frozen, as it is by now. */
  readonly server: () => ServerProcess;
  readonly other: ServerProcess;
  /** Stops it and starts it anew, which it may never come to the end of. */
  readonly restart: () => Promise<void>;
  readonly session: KnownSession;
}

export interface Use {
  readonly name: string;
  /** What its statements have in their bytes; else the session's id. */
  readonly needles?: (session: KnownSession) => Buffer[];
  /** Its session was never paid. */
  readonly unpaid?: true;
  /** How many statements of one doing are looked at. */
  readonly most?: number;
  /** Before the gate is armed. */
  readonly prepare?: (context: UseContext) => Promise<unknown>;
  /** Has the server do it. Resolves once it is done, unless the server is frozen in the middle. */
  readonly provoke: (context: UseContext) => Promise<unknown>;
}

const texts = (...parts: string[]) => parts.map((part) => Buffer.from(part));

const ask = ({ server, session: { id, key } }: UseContext, path: string, body: unknown) =>
  call(server(), `/sessions/${id}${path}`, { key, body: JSON.stringify(body) });

const say = (context: UseContext, content: string) => ask(context, '/request', { content, maxOutputTokens: 20 });

export const uses: readonly Use[] = [
  { name: 'a turn', provoke: (context) => say(context, 'Hello') },
  { name: 'a turn that fails', provoke: (context) => say(context, '[fail]') },
  { name: 'a long turn', provoke: (context) => say(context, '[think 4000]') },
  { name: 'cancelling', provoke: cancelRunning },
  { name: 'forgetting', provoke: forget },
  { name: 'a top-up', provoke: (context) => ask(context, '/topup', { amountSats: 77 }) },
  {
    name: 'opening a session',
    needles: () => texts('open_session(', 'insert into "sessions"', 'insert into "invoices"'),
    provoke: ({ server }) => call(server(), '/sessions', { body: JSON.stringify({ amountSats: 50 }) }),
  },
  {
    name: 'a credit',
    needles: ({ invoices }) => [Buffer.from(invoices.at(-1)!.paymentHash, 'hex')],
    prepare: ({ scene, session }) => topUp(scene, session, new Random(session.id)),
    provoke: payNewest,
  },
  {
    name: 'looking invoices up',
    needles: () => texts('UPDATE invoices', 'update "invoices"'),
    provoke: ({ scene }) => untilLookedUp(scene),
  },
  { name: 'ending what a dead server left', most: 1, provoke: abandonRequest },
  { name: 'expiry', provoke: expire },
  { name: 'removal', unpaid: true, provoke: removeUnpaid },
  {
    name: 'a start',
    needles: () => texts('advisory', 'drizzle'),
    most: 4,
    provoke: ({ restart }) => restart(),
  },
];

async function cancelRunning(context: UseContext): Promise<void> {
  const { scene, server, session } = context;
  const running = say(context, '[think 3000]');
  const requestId = await untilRuns(scene, session);
  await call(server(), `/sessions/${session.id}/requests/${requestId}/cancel`, { key: session.key, method: 'POST' });
  await running;
}

async function untilRuns({ database }: Scene, { id }: KnownSession): Promise<string> {
  let requestId = '';
  await until(async () => {
    const [row] = await database.query<{ id: string }>(
      `SELECT id FROM session_requests WHERE session_id = $1 AND state = 'running'`,
      [id],
    );
    requestId = row?.id ?? '';
    return row !== undefined;
  }, 5000);
  return requestId;
}

async function forget(context: UseContext): Promise<void> {
  const { server, session } = context;
  await call(server(), `/sessions/${session.id}/messages`, { key: session.key, method: 'DELETE' });
}

async function payNewest({ scene, server, session }: UseContext): Promise<void> {
  const { bolt11, paymentHash } = session.invoices.at(-1)!;
  await call(server(), '/dev/wallet/pay', { body: JSON.stringify({ bolt11 }) });
  await until(async () => {
    const hash = Buffer.from(paymentHash, 'hex');
    const rows = await scene.database.query('SELECT FROM invoices WHERE payment_hash = $1 AND paid_at IS NOT NULL', [
      hash,
    ]);
    return rows.length > 0;
  }, 5000);
}

async function untilLookedUp({ database }: Scene): Promise<void> {
  await database.query('UPDATE invoices SET next_lookup_at = statement_timestamp() WHERE next_lookup_at IS NOT NULL');
  const due = 'SELECT FROM invoices WHERE next_lookup_at <= statement_timestamp()';
  await until(async () => (await database.query(due)).length === 0, 5000);
}

/** As a server that is gone would leave it. Whichever server sweeps first ends it: it is left again until this one did. */
async function abandonRequest(context: UseContext): Promise<void> {
  const { scene, session } = context;
  const deadline = performance.now() + SWEEP_PATIENCE_MS;
  while (performance.now() < deadline && !context.server().frozen) {
    void say({ ...context, server: () => context.other }, '[think 8000]');
    const requestId = await untilRuns(scene, session);
    await scene.database.query(
      `UPDATE session_requests SET lease_owner = $2, lease_expires_at = statement_timestamp() - interval '1 second'
       WHERE session_id = $1 AND id = $3`,
      [session.id, randomUUID(), requestId],
    );
    await until(async () => (await scene.database.query(running, [session.id])).length === 0, 6000);
  }
}

const running = `SELECT FROM session_requests WHERE session_id = $1 AND state = 'running'`;

async function expire({ scene, session, restart }: UseContext): Promise<void> {
  await endInvoices(scene, session);
  await scene.database.query(`UPDATE sessions SET used_at = now() - interval '400 days' WHERE id = $1`, [session.id]);
  await restart();
  await untilStatus(scene, session, 'expired');
}

async function removeUnpaid({ scene, session, restart }: UseContext): Promise<void> {
  await endInvoices(scene, session);
  await scene.database.query(`UPDATE sessions SET created_at = now() - interval '400 days' WHERE id = $1`, [
    session.id,
  ]);
  await restart();
  await untilStatus(scene, session, undefined);
  // It is meant to be gone.
  const { sessions } = scene.journal;
  sessions.splice(sessions.indexOf(session), 1);
}

async function endInvoices({ database }: Scene, { id }: KnownSession): Promise<void> {
  await database.query(
    `UPDATE invoices SET expires_at = now() - interval '3 days', next_lookup_at = NULL WHERE session_id = $1`,
    [id],
  );
}

async function untilStatus({ database }: Scene, { id }: KnownSession, status: string | undefined): Promise<void> {
  await until(async () => {
    const [row] = await database.query<{ status: string }>('SELECT status FROM sessions WHERE id = $1', [id]);
    return row?.status === status;
  }, 5000);
}
