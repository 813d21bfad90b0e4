import type { Msat, SessionStatus } from '@timmy-tower/contract';
import { and, asc, desc, eq, isNull, type SQL, sql } from 'drizzle-orm';

import {
  type InvoiceRow,
  invoiceColumns,
  type NewSessionInvoice,
  type StoredInvoice,
  toStoredInvoice,
} from './invoices.ts';
import { unlessLocked } from './pg-error.ts';
import { invoices, sessionKeys, sessions } from './schema.ts';
import { type Db, queryRows, withRetry } from './transaction.ts';

export interface StoredSession {
  readonly id: string;
  readonly status: SessionStatus;
  readonly balanceMsat: Msat;
  readonly heldMsat: Msat;
  readonly createdAt: Date;
  /** The last request or payment, exact to the hour. */
  readonly usedAt: Date;
  /** Raised with every change of what is above and below. */
  readonly version: number;
  /** Raised with every change of its messages, as the version is then too. */
  readonly messagesVersion: number;
  /** The newest unpaid invoice. */
  readonly invoice: StoredInvoice | undefined;
  /** When this was read, by the database's clock. */
  readonly readAt: Date;
}

export interface NewSession {
  readonly id: string;
  /** SHA-256 of its first key. */
  readonly keyHash: Buffer;
  readonly invoice: NewSessionInvoice;
}

/** Who a request says it comes from. */
export interface KeyOfSession {
  readonly sessionId: string;
  /** SHA-256 of the key. */
  readonly keyHash: Buffer;
}

/** Opens a session that awaits its first payment, with its key and its invoice: all three or none. */
export async function insertSession(db: Db, { id, keyHash, invoice }: NewSession): Promise<StoredSession> {
  const { bolt11, amountMsat, expiresAt } = invoice;
  const hash = Buffer.from(invoice.paymentHash, 'hex');
  await withRetry(db, () =>
    db.execute(sql`SELECT open_session(${id}, ${keyHash}, ${hash}, ${bolt11}, ${amountMsat}, ${expiresAt})`),
  );
  const session = await findSession(db, { sessionId: id, keyHash });
  return session!;
}

/** A new session for those who keep histories without payments: it can hold messages at once. @returns its id */
export async function createHistorySession(db: Db): Promise<string> {
  const [row] = await db.insert(sessions).values({ status: 'active' }).returning({ id: sessions.id });
  return row!.id;
}

const sessionColumns = {
  id: sessions.id,
  status: sessions.status,
  balanceMsat: sessions.balanceMsat,
  heldMsat: sessions.heldMsat,
  createdAt: sessions.createdAt,
  usedAt: sessions.usedAt,
  version: sessions.version,
  messagesVersion: sessions.messagesVersion,
  readAt: sql<Date>`statement_timestamp()`.mapWith(sessions.createdAt),
};

/** The session that this key opens; undefined if there is none, or the key is another's: nobody can tell which. */
export async function findSession(db: Db, { sessionId, keyHash }: KeyOfSession): Promise<StoredSession | undefined> {
  const newestUnpaid = newestUnpaidInvoice(db, eq(invoices.sessionId, sessionId));
  const [row] = await db
    .select({ session: sessionColumns, invoice: columnsOf(newestUnpaid) })
    .from(sessions)
    .innerJoin(sessionKeys, and(eq(sessionKeys.sessionId, sessionId), eq(sessionKeys.keyHash, keyHash)))
    .leftJoin(newestUnpaid, sql`true`)
    .where(eq(sessions.id, sessionId));
  return row && toStoredSession(row.session, row.invoice);
}

const newestUnpaidInvoice = (db: Db, ofSession: SQL | undefined) =>
  db
    .select(invoiceColumns)
    .from(invoices)
    .where(and(ofSession, isNull(invoices.paidAt)))
    .orderBy(desc(invoices.createdAt))
    .limit(1)
    .as('invoice');

function columnsOf(invoice: ReturnType<typeof newestUnpaidInvoice>) {
  const { paymentHash, bolt11, amountMsat, expiresAt, status } = invoice;
  return { paymentHash, bolt11, amountMsat, expiresAt, status };
}

type SessionRow = Omit<StoredSession, 'invoice'>;

/** A session without an unpaid invoice comes with nulls in the invoice's place. */
type JoinedInvoice = { [Name in keyof InvoiceRow]: InvoiceRow[Name] | null } | null;

function toStoredSession(session: SessionRow, invoice: JoinedInvoice): StoredSession {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one that is there has all its columns
  return { ...session, invoice: invoice?.paymentHash ? toStoredInvoice(invoice as InvoiceRow) : undefined };
}

/** The versions of these sessions; one that is gone is not among them. */
export async function listSessionVersions(
  db: Db,
  sessionIds: readonly string[],
): Promise<{ readonly id: string; readonly version: number }[]> {
  return db
    .select({ id: sessions.id, version: sessions.version })
    .from(sessions)
    .where(sql`${sessions.id} = ANY(${idArray(sessionIds)})`);
}

/** These sessions, whoever asks: for those who checked a key of each. */
export async function listSessions(db: Db, sessionIds: readonly string[]): Promise<StoredSession[]> {
  const ids = idArray(sessionIds);
  // By the row's own session: to look for each among all ids takes the square of their number.
  const newestUnpaid = newestUnpaidInvoice(db, eq(invoices.sessionId, sessions.id));
  const rows = await db
    .select({ session: sessionColumns, invoice: columnsOf(newestUnpaid) })
    .from(sessions)
    .leftJoinLateral(newestUnpaid, sql`true`)
    .where(sql`${sessions.id} = ANY(${ids})`);
  return rows.map((row) => toStoredSession(row.session, row.invoice));
}

/** Of these keys those that open a session, with its status: one statement for all who wait to be told apart. */
export async function findKeys(
  db: Db,
  keys: readonly KeyOfSession[],
): Promise<(KeyOfSession & { readonly status: SessionStatus })[]> {
  const hashes = keys.map(({ keyHash }) => keyHash);
  const ids = idArray(keys.map(({ sessionId }) => sessionId));
  const found = await db
    .select({ sessionId: sessionKeys.sessionId, keyHash: sessionKeys.keyHash, status: sessions.status })
    .from(sessionKeys)
    .innerJoin(sessions, and(eq(sessions.id, sessionKeys.sessionId), sql`${sessions.id} = ANY(${ids})`))
    .where(
      and(
        sql`${sessionKeys.sessionId} = ANY(${ids})`,
        sql`${sessionKeys.keyHash} = ANY(${sql.param(hashes)}::bytea[])`,
      ),
    );
  return found;
}

/** One parameter, however many: a list of a varying length would be another statement each time. */
const idArray = (ids: readonly string[]) => sql`${sql.param(ids)}::uuid[]`;

const BATCH = 100;

/** A page of a walk over sessions: where the last one ended. */
interface Place {
  readonly id: string;
  /** As text: a JavaScript Date drops microseconds. */
  readonly at: string;
}

/**
 * Marks sessions as expired that had no request and no payment for `idleMs`, run no request and have no invoice that could
 * still be paid. Their balance stays. @returns how many
 */
export async function expireIdleSessions(db: Db, idleMs: number): Promise<number> {
  const idlePage = (after: Place) =>
    db
      .select({ id: sessions.id, at: sql<string>`${sessions.usedAt}::text` })
      .from(sessions)
      .where(
        sql`status = 'active' AND used_at < statement_timestamp() - ${idleMs} * interval '1 ms'
          AND (used_at, id) > (${after.at}, ${after.id})`,
      )
      .orderBy(asc(sessions.usedAt), asc(sessions.id))
      .limit(BATCH);
  return forEachSession(idlePage, async (id) => {
    const rows = await withRetry(db, () =>
      queryRows<{ done: boolean }>(db, sql`SELECT expire_session(${id}, ${idleMs}) AS done`),
    );
    return rows[0]!.done;
  });
}

/** Removes sessions that were never paid, once none of their invoices can be paid any more. @returns how many */
export async function removeUnpaidSessions(db: Db): Promise<number> {
  const unpaidPage = (after: Place) =>
    db
      .select({ id: sessions.id, at: sql<string>`${sessions.createdAt}::text` })
      .from(sessions)
      .where(sql`status = 'awaiting_payment' AND (created_at, id) > (${after.at}, ${after.id})`)
      .orderBy(asc(sessions.createdAt), asc(sessions.id))
      .limit(BATCH);
  return forEachSession(unpaidPage, async (id) => {
    const rows = await withRetry(db, () =>
      queryRows<{ done: boolean }>(db, sql`SELECT remove_unpaid_session(${id}) AS done`),
    );
    return rows[0]!.done;
  });
}

/** Each by a statement of its own, which looks at the condition again under the session's lock. @returns how many changed */
async function forEachSession(
  readPage: (after: Place) => PromiseLike<Place[]>,
  change: (id: string) => Promise<boolean>,
): Promise<number> {
  let changed = 0;
  let after: Place = { id: '00000000-0000-0000-0000-000000000000', at: '-infinity' };
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- a batch at a time
    const page = await readPage(after);
    for (const { id } of page) {
      // oxlint-disable-next-line no-await-in-loop -- one lock at a time
      if (await unlessLocked(() => change(id))) changed += 1;
    }
    const last = page.at(-1);
    if (!last || page.length < BATCH) return changed;
    after = last;
  }
}
