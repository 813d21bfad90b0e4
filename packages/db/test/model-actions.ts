/** What the package can do with a session's money and turns, each beside what the model says to it. */
import { randomBytes, randomUUID } from 'node:crypto';

import { eq, sql } from 'drizzle-orm';

import { creditPayment, listPayableInvoices } from '../src/invoices.ts';
import { renewLeases, requestCancel, sweepLeases } from '../src/leases.ts';
import { findRequest } from '../src/requests.ts';
import { sessions } from '../src/schema.ts';
import { expireIdleSessions, findSession, insertSession } from '../src/sessions.ts';
import type { Database } from '../src/transaction.ts';
import { releaseTurn, settleTurn } from '../src/end-turn.ts';
import { reserveTurn } from '../src/reserve-turn.ts';
import { DAY_MS, HOUR_MS, giveUp, loseLease, newInvoice, topUp } from './fixtures.ts';
import * as model from './model.ts';
import type { Model, PlannedTurn, RequestModel, SessionModel } from './model.ts';

export interface Action {
  /** What the database answers, without what a model cannot know: times, and ids of the database's making. */
  readonly call: (database: Database) => Promise<unknown>;
  /** What it should answer. Changes the model. */
  readonly expected: (all: Model) => unknown;
}

/** The expected answer is asked of the session with this id, which may be that of a copy of the model. */
export function action(
  { id }: SessionModel,
  call: (database: Database, sessionId: string) => Promise<unknown>,
  expected: (session: SessionModel, all: Model) => unknown,
): Action {
  return {
    call: (database) => call(database, id),
    expected: (all) =>
      expected(
        all.sessions.find((session) => session.id === id)!,
        all,
      ),
  };
}

export type TurnPlan = Omit<PlannedTurn, 'requestId' | 'owner' | 'key'>;

/** 0 is the last, which is the one that runs, if any does. */
const pickLast = <T>(items: readonly T[], back: number): T | undefined => items.at(-1 - back);

/** Opens a session that awaits its first payment, which may come too late. */
export function openSession(amountMsat: bigint, dead: boolean): Action {
  const id = randomUUID();
  const keyHash = randomBytes(32);
  const invoice = invoiceModel(amountMsat, dead);
  return {
    async call(database) {
      const { status, balanceMsat } = await insertSession(database, { id, keyHash, invoice: toInvoice(invoice) });
      return { status, balanceMsat };
    },
    expected({ sessions: opened }) {
      const unpaid = { status: 'awaiting_payment', balanceMsat: 0n } as const;
      const empty = { idle: false, messages: [], ledger: [], requests: [], invoices: [invoice] };
      opened.push({ id, key: keyHash.toString('hex'), ...unpaid, ...empty });
      return unpaid;
    },
  };
}

const invoiceModel = (amountMsat: bigint, dead: boolean) => ({
  paymentHash: randomBytes(32).toString('hex'),
  amountMsat,
  dead,
  watched: true,
  receivedMsat: null,
});

const toInvoice = ({ paymentHash, amountMsat, dead }: model.InvoiceModel) =>
  newInvoice({ paymentHash, amountMsat, expiresAt: new Date(Date.now() + (dead ? -2 * DAY_MS : HOUR_MS)) });

export function addInvoiceTo(session: SessionModel, amountMsat: bigint, dead: boolean): Action {
  const invoice = invoiceModel(amountMsat, dead);
  return action(
    session,
    async (database, id) => (await topUp(database, id, toInvoice(invoice))).paymentHash,
    ({ invoices }) => {
      invoices.push({ ...invoice });
      return invoice.paymentHash;
    },
  );
}

/** Pays the newest that is unpaid, or any: what the wallet says it received, which may be another amount, later than asked, or a second time. */
export function pay(session: SessionModel, back: number | null, receivedMsat: bigint): Action | undefined {
  const unpaid = session.invoices.findLast((invoice) => invoice.receivedMsat === null);
  if (back === null && !unpaid) return undefined;
  const invoice = back === null ? unpaid : pickLast(session.invoices, back);
  const paymentHash = invoice?.paymentHash ?? randomBytes(32).toString('hex');
  return action(
    session,
    (database) => creditPayment(database, { paymentHash, receivedMsat }),
    (_, all) => model.credit(all, paymentHash, receivedMsat),
  );
}

export function giveUpInvoice(session: SessionModel, back: number): Action | undefined {
  const paymentHash = pickLast(session.invoices, back)?.paymentHash;
  if (!paymentHash) return undefined;
  return action(
    session,
    (database) => giveUp(database, paymentHash),
    ({ invoices }) => {
      const invoice = invoices.find((candidate) => candidate.paymentHash === paymentHash)!;
      if (invoice.dead) invoice.watched = false;
    },
  );
}

export function findPayable(session: SessionModel, amountMsat: bigint): Action {
  return action(
    session,
    async (database, sessionId) => {
      const payable = await listPayableInvoices(database, { sessionId, limit: 100 });
      const enough = payable.filter((invoice) => invoice.amountMsat >= amountMsat);
      return enough.map((invoice) => invoice.paymentHash).slice(0, 1);
    },
    ({ invoices }) => {
      const open = invoices.filter(({ receivedMsat, dead }) => receivedMsat === null && !dead);
      const enough = open.filter((invoice) => invoice.amountMsat >= amountMsat);
      return enough.slice(-1).map((invoice) => invoice.paymentHash);
    },
  );
}

export function show(session: SessionModel, wrongKey: boolean): Action {
  const keyHash = wrongKey ? randomBytes(32) : Buffer.from(session.key, 'hex');
  return action(
    session,
    async (database, sessionId) => {
      const found = await findSession(database, { sessionId, keyHash });
      if (!found) return 'not-found';
      const { status, balanceMsat, heldMsat, invoice } = found;
      return { status, balanceMsat, heldMsat, invoice: invoice ? [invoice.paymentHash, invoice.status] : [] };
    },
    (shown) => {
      if (wrongKey) return 'not-found';
      const { status, balanceMsat } = shown;
      const invoice = shown.invoices.findLast(({ receivedMsat }) => receivedMsat === null);
      const newestUnpaid = invoice ? [invoice.paymentHash, invoice.dead ? 'expired' : 'pending'] : [];
      return { status, balanceMsat, heldMsat: model.heldBy(shown), invoice: newestUnpaid };
    },
  );
}

export function startTurn(session: SessionModel, plan: TurnPlan & { wrongKey: boolean }): Action {
  const { wrongKey, ...asked } = plan;
  const key = wrongKey ? randomBytes(32).toString('hex') : session.key;
  return reserveAction(session, { ...asked, key, requestId: randomUUID(), owner: randomUUID() });
}

/** The answer was lost, so it is asked for again. */
export function startAgain(session: SessionModel): Action | undefined {
  const running = model.runningIn(session);
  return running && reserveAction(session, running.turn);
}

function reserveAction(session: SessionModel, turn: PlannedTurn): Action {
  const { key, idempotency, ...asked } = turn;
  const bodyHash = Buffer.alloc(32, idempotency?.body);
  return action(
    session,
    (database, sessionId) =>
      reserveTurn(database, {
        ...asked,
        sessionId,
        keyHash: Buffer.from(key, 'hex'),
        model: 'a model',
        leaseMs: HOUR_MS,
        idempotency: idempotency && { key: idempotency.key, bodyHash, saidHash: bodyHash },
        maxUnchargedTurns: 1000,
      }),
    (reserving) => model.reserve(reserving, turn),
  );
}

/** Something that is done to one of a session's turns, by its own server or by another. */
const aboutTurn =
  (about: (session: SessionModel, turn: PlannedTurn, owner: string) => Action) =>
  (session: SessionModel, back: number, stranger: boolean): Action | undefined => {
    const turn = pickLast(session.requests, back)?.turn;
    return turn && about(session, turn, stranger ? randomUUID() : turn.owner);
  };

const requestOf = ({ requests }: SessionModel, requestId: string): RequestModel =>
  requests.find((request) => request.turn.requestId === requestId)!;

export const settle = aboutTurn((session, { requestId, end }, owner) => {
  const { incompleteReason, ...texts } = end;
  const state = incompleteReason ? 'incomplete' : 'completed';
  const usage = { inputTokens: 1, outputTokens: 2, reasoningTokens: 1 };
  return action(
    session,
    async (database, sessionId) => {
      const turn = { sessionId, requestId, owner, state, incompleteReason, ...usage, ...texts } as const;
      const settled = await settleTurn(database, turn);
      if (!settled) return 'fenced-off';
      const { chargedMsat, balanceMsat, reply } = settled;
      return { chargedMsat, balanceMsat, reply: reply && { tokenCount: reply.tokenCount } };
    },
    (settling) => model.settle(settling, requestId, owner) ?? 'fenced-off',
  );
});

export const release = aboutTurn((session, { requestId }, owner) =>
  action(
    session,
    (database, sessionId) => releaseTurn(database, { sessionId, requestId, owner }),
    (releasing) => model.release(releasing, requestId, owner),
  ),
);

export const cancel = aboutTurn((session, { requestId }) =>
  action(
    session,
    (database, sessionId) => requestCancel(database, { sessionId, requestId }),
    (cancelling) => {
      const request = requestOf(cancelling, requestId);
      if (request.state === 'running') request.cancelRequested = true;
    },
  ),
);

export const renew = aboutTurn((session, { requestId }, owner) =>
  action(
    session,
    (database, sessionId) => renewLeases(database, { owner, leaseMs: HOUR_MS, turns: [{ sessionId, requestId }] }),
    (renewing) => {
      const request = requestOf(renewing, requestId);
      if (request.state !== 'running' || request.turn.owner !== owner) return [];
      request.leaseIsOver = false;
      return [{ requestId, cancelRequested: request.cancelRequested }];
    },
  ),
);

export const letLeaseRunOut = aboutTurn((session, { requestId }) =>
  action(
    session,
    (database) => loseLease(database, { requestId }),
    (losing) => {
      requestOf(losing, requestId).leaseIsOver = true;
    },
  ),
);

export const showRequest = aboutTurn((session, { requestId, end }) =>
  action(
    session,
    async (database, sessionId) => {
      const { state, chargedMsat, balanceMsat, shown, reply } = (await findRequest(database, {
        sessionId,
        requestId,
      }))!;
      return { state, chargedMsat, balanceMsat, shown, reply: reply && reply.content };
    },
    (showing) => {
      const { state, chargedMsat, balanceMsat, shown } = requestOf(showing, requestId);
      const isKept = showing.messages.some((message) => message.requestId === requestId);
      const reply = isKept ? end.reply.content : null;
      return { state, chargedMsat, balanceMsat: balanceMsat ?? showing.balanceMsat, shown, reply };
    },
  ),
);

export const sweepAll: Action = { call: (database) => sweepLeases(database), expected: model.sweep };

export const expireAll: Action = { call: (database) => expireIdleSessions(database, HOUR_MS), expected: model.expire };

export function beIdle(session: SessionModel): Action {
  return action(
    session,
    async (database, id) => {
      const usedAt = sql`clock_timestamp() - interval '2 hours'`;
      await database.update(sessions).set({ usedAt }).where(eq(sessions.id, id));
    },
    (resting) => {
      resting.idle = true;
    },
  );
}

/** The package has no function for it yet. */
export function close(session: SessionModel): Action {
  return action(
    session,
    async (database, id) => {
      await database.update(sessions).set({ status: 'closed' }).where(eq(sessions.id, id));
    },
    (closing) => {
      closing.status = 'closed';
    },
  );
}
