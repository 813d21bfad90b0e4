/**
 * What sessions do, said a second time and as plainly as can be: lists and arithmetic, one thing after the other, without
 * locks and without a clock. The tests of the model compare the database with it.
 */
import type { IncompleteReason, MessageRole, Msat, RequestState, SessionStatus } from '@timmy-tower/contract';

import type { CreditOutcome } from '../src/invoices.ts';
import type { ReservedTurn, ReserveOutcome, ShownHistory } from '../src/reserve-turn.ts';
import { windowModel } from './window-model.ts';

export interface Model {
  readonly sessions: SessionModel[];
}

export interface SessionModel {
  readonly id: string;
  readonly key: string;
  status: SessionStatus;
  balanceMsat: Msat;
  /** Unused for longer than a session may be. */
  idle: boolean;
  messages: MessageModel[];
  readonly ledger: { readonly kind: 'deposit' | 'charge'; readonly amountMsat: Msat; readonly of: string }[];
  /** In the order in which they were let in: if one is running, it is the last. */
  readonly requests: RequestModel[];
  readonly invoices: InvoiceModel[];
}

export interface InvoiceModel {
  readonly paymentHash: string;
  readonly amountMsat: Msat;
  /** Expired more than a day ago. */
  readonly dead: boolean;
  watched: boolean;
  receivedMsat: Msat | null;
}

export interface NewMessageModel {
  readonly role: MessageRole;
  readonly content: string;
  readonly promptTokens: number;
  readonly inPrompts: boolean;
  readonly requestId: string | null;
}

export interface MessageModel extends NewMessageModel {
  /** When it was said: 0 is today. */
  readonly day: number;
}

/** A turn knows beforehand how it will end, so that it can be settled twice, and twice at once. */
export interface PlannedTurn {
  readonly requestId: string;
  readonly owner: string;
  readonly key: string;
  readonly idempotency: { readonly key: string; readonly body: string } | undefined;
  readonly ownTokens: number;
  readonly inputMsatPerKtoken: bigint;
  readonly outputMsatPerKtoken: bigint;
  readonly maxOutputTokens: number;
  readonly minOutputTokens: number;
  readonly history: { readonly maxMessages: number; readonly tokenBudget: number };
  readonly end: {
    readonly incompleteReason: IncompleteReason | undefined;
    readonly chargeMsat: Msat;
    readonly user: { readonly content: string; readonly promptTokens: number };
    readonly reply: { readonly content: string; readonly promptTokens: number };
  };
}

export interface RequestModel {
  readonly turn: PlannedTurn;
  readonly heldMsat: Msat;
  readonly maxOutputTokens: number;
  readonly shown: ShownHistory;
  state: RequestState;
  chargedMsat: Msat | null;
  balanceMsat: Msat | null;
  leaseIsOver: boolean;
  cancelRequested: boolean;
}

export const tokensOf = (content: string): number => Math.ceil(content.length / 4);

const ceilDivide = (dividend: bigint, divisor: bigint) => (dividend + divisor - 1n) / divisor;

export const runningIn = (session: SessionModel): RequestModel | undefined =>
  session.requests.find((request) => request.state === 'running');

export const heldBy = (session: SessionModel): Msat => runningIn(session)?.heldMsat ?? 0n;

/** The newest that fit both bounds, oldest first. */
export function windowOf(
  messages: readonly MessageModel[],
  { maxMessages, tokenBudget }: PlannedTurn['history'],
): MessageModel[] {
  const fitting: MessageModel[] = [];
  let tokens = 0;
  for (const message of messages.toReversed()) {
    tokens += tokensOf(message.content);
    if (fitting.length === maxMessages || tokens > tokenBudget) break;
    fitting.unshift(message);
  }
  return fitting;
}

const saysSomething = ({ content }: { readonly content: string }) => /\S/.test(content);

/** What a turn is shown. */
function promptOf(session: SessionModel, turn: PlannedTurn) {
  const inPrompts = session.messages.filter((message) => message.inPrompts && saysSomething(message));
  const counted = inPrompts.map((message) => ({ ...message, tokens: tokensOf(message.content) }));
  return windowModel(counted, { ...turn.history, recallTokens: 0 });
}

export function reserve(session: SessionModel, turn: PlannedTurn): ReserveOutcome {
  if (turn.key !== session.key) return { outcome: 'not-found' };
  const answered = session.requests.find(
    (request) =>
      turn.idempotency && request.state !== 'failed' && request.turn.idempotency?.key === turn.idempotency.key,
  );
  if (answered && answered.turn.idempotency?.body !== turn.idempotency?.body) {
    return { outcome: 'mismatch', requestId: answered.turn.requestId };
  }
  if (answered && answered.state !== 'running') return { outcome: 'replay', requestId: answered.turn.requestId };
  const running = runningIn(session);
  if (running?.turn.requestId === turn.requestId) return reservedAnswer(session, turn, running.maxOutputTokens);
  if (running && !running.leaseIsOver) return { outcome: 'busy', requestId: running.turn.requestId };
  if (running) fail(session, running);
  if (session.status !== 'active') return { outcome: session.status };
  return takeHold(session, turn);
}

function reservedAnswer(session: SessionModel, turn: PlannedTurn, maxOutputTokens: number): ReservedTurn {
  const { shown, tokens, clipTokens } = promptOf(session, turn);
  return {
    outcome: 'reserved',
    history: shown.map(({ role, content }) => ({ role, content })),
    clipTokens,
    recallable: undefined,
    shown: {
      messages: shown.length,
      tokens,
      dropped: session.messages.length - shown.length,
      recalled: 0,
      clipped: clipTokens !== undefined,
    },
    maxOutputTokens,
  };
}

function takeHold(session: SessionModel, turn: PlannedTurn): ReserveOutcome {
  const { promptTokens } = promptOf(session, turn);
  const inputTokens = ceilDivide(5n * BigInt(turn.ownTokens + 4 + promptTokens), 4n);
  const inputCost = inputTokens * turn.inputMsatPerKtoken;
  const priceOf = (outputTokens: number) =>
    ceilDivide(inputCost + BigInt(outputTokens) * turn.outputMsatPerKtoken, 1000n);
  const { balanceMsat } = session;
  const requiredMsat = priceOf(Math.min(turn.minOutputTokens, turn.maxOutputTokens));
  if (balanceMsat < requiredMsat) return { outcome: 'insufficient', requiredMsat, balanceMsat, heldMsat: 0n };
  const paysForAll = balanceMsat >= priceOf(turn.maxOutputTokens);
  const maxOutputTokens = paysForAll
    ? turn.maxOutputTokens
    : Number((balanceMsat * 1000n - inputCost) / turn.outputMsatPerKtoken);
  const answer = reservedAnswer(session, turn, maxOutputTokens);
  session.requests.push({
    turn,
    heldMsat: paysForAll ? priceOf(turn.maxOutputTokens) : balanceMsat,
    maxOutputTokens,
    shown: answer.shown,
    state: 'running',
    chargedMsat: null,
    balanceMsat: null,
    leaseIsOver: false,
    cancelRequested: false,
  });
  session.idle = false;
  return answer;
}

function fail(session: SessionModel, request: RequestModel): void {
  Object.assign(request, { state: 'failed', chargedMsat: 0n, balanceMsat: session.balanceMsat });
}

const findOwn = (session: SessionModel, requestId: string, owner: string) =>
  session.requests.find((request) => request.turn.requestId === requestId && request.turn.owner === owner);

export interface SettledModel {
  readonly chargedMsat: Msat | null;
  readonly balanceMsat: Msat | null;
  readonly reply: { readonly tokenCount: number } | null;
}

export function settle(session: SessionModel, requestId: string, owner: string): SettledModel | undefined {
  const request = findOwn(session, requestId, owner);
  if (!request || request.state === 'failed') return undefined;
  if (request.state === 'running') complete(session, request);
  const { chargedMsat, balanceMsat } = request;
  const { reply } = request.turn.end;
  const isKept = session.messages.some((message) => message.requestId === requestId);
  return { chargedMsat, balanceMsat, reply: isKept ? { tokenCount: tokensOf(reply.content) } : null };
}

function complete(session: SessionModel, request: RequestModel): void {
  const { user, reply, chargeMsat, incompleteReason } = request.turn.end;
  const { requestId } = request.turn;
  const chargedMsat = chargeMsat < request.heldMsat ? chargeMsat : request.heldMsat;
  session.balanceMsat -= chargedMsat;
  session.ledger.push({ kind: 'charge', amountMsat: -chargedMsat, of: requestId });
  const inPrompts = saysSomething(reply);
  say(session, { ...user, role: 'user', inPrompts, requestId });
  say(session, { ...reply, role: 'assistant', inPrompts, requestId });
  const state = incompleteReason ? 'incomplete' : 'completed';
  Object.assign(request, { state, chargedMsat, balanceMsat: session.balanceMsat });
  session.idle = false;
}

export function release(session: SessionModel, requestId: string, owner: string): boolean {
  const request = findOwn(session, requestId, owner);
  if (request?.state !== 'running') return false;
  fail(session, request);
  return true;
}

export function sweep({ sessions }: Model): number {
  let released = 0;
  for (const session of sessions) {
    const running = runningIn(session);
    if (!running?.leaseIsOver) continue;
    fail(session, running);
    released += 1;
  }
  return released;
}

/** Ends idle sessions that run nothing and await nothing. */
export function expire({ sessions }: Model): number {
  const awaitsPayment = ({ invoices }: SessionModel) => invoices.some((invoice) => invoice.watched);
  const due = sessions.filter(
    (session) => session.status === 'active' && session.idle && !runningIn(session) && !awaitsPayment(session),
  );
  for (const session of due) session.status = 'expired';
  return due.length;
}

export function credit({ sessions }: Model, paymentHash: string, receivedMsat: Msat): CreditOutcome {
  for (const session of sessions) {
    const invoice = session.invoices.find((candidate) => candidate.paymentHash === paymentHash);
    if (!invoice) continue;
    if (invoice.receivedMsat !== null) return 'replayed';
    Object.assign(invoice, { receivedMsat, watched: false });
    session.balanceMsat += receivedMsat;
    session.ledger.push({ kind: 'deposit', amountMsat: receivedMsat, of: paymentHash });
    session.idle = false;
    if (session.status !== 'closed') session.status = 'active';
    return 'applied';
  }
  return 'foreign';
}

/** `day`: of a message that brings its own time; else it is said now, and never before the newest. */
export function say(session: SessionModel, message: NewMessageModel, day?: number): void {
  const said = day ?? Math.max(0, session.messages.at(-1)?.day ?? 0);
  const place = session.messages.findLastIndex((earlier) => earlier.day <= said) + 1;
  session.messages.splice(place, 0, { ...message, day: said });
}

export function forget(session: SessionModel): { busyWith?: string } {
  const running = runningIn(session);
  if (running && !running.leaseIsOver) return { busyWith: running.turn.requestId };
  if (running) fail(session, running);
  session.messages = [];
  return {};
}
