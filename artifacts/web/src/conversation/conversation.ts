/**
 * One session as this tab sees it. A message is sent with an idempotency key that is stored before it leaves, so that neither a
 * retry nor a reload pays for it twice.
 */
import type { Message, MessagesPage, Problem, Session, TopUp, TurnAnswer } from '@timmy-tower/contract';

import { ApiError, callApi, problemOf } from '../api/client.ts';
import { dropKept, findKept, readPending, updateKept, writeDraft, writePending } from '../keyring.ts';
import { Store } from '../store.ts';
import { Receipts } from './receipts.ts';
import { ReplyText } from './reply-text.ts';
import {
  type ConversationState,
  initialState,
  joinMessages,
  type LiveTurn,
  messagesOf,
  spokenReply,
  titleOf,
} from './state.ts';
import { streamTurn, type TurnOutcome } from './take-turn.ts';
import { watchSession } from './watch-session.ts';

const PAGE = 50;
const LOOK_MS = 700;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class Conversation {
  readonly id: string;
  readonly key: string;
  readonly path: string;
  readonly state = new Store<ConversationState>(initialState);
  /** The reply as it arrives: apart, so that each word redraws nothing else. */
  readonly replyText = new ReplyText();
  readonly receipts: Receipts;
  /** Tells with `taken` what a message said that was taken back. */
  readonly takenBack = new EventTarget();
  #loadingBegun = false;

  constructor(id: string, key: string) {
    this.id = id;
    this.key = key;
    this.path = `/sessions/${id}`;
    this.receipts = new Receipts(this.path, key);
  }

  /** Loads what is newest, picks up what was running, and follows the session. @returns a function that stops following */
  open(): () => void {
    this.reload();
    return watchSession(this.path, this.key, {
      onSession: (session) => this.#onSession(session),
      onGone: () => this.#set({ phase: 'gone' }),
      onConnection: (connected) => this.#set({ connected }),
    });
  }

  send(content: string): void {
    if (this.#state.turn) return;
    writeDraft(this.id, '');
    void this.#run({ idempotencyKey: crypto.randomUUID(), content, status: 'sending' });
  }

  /** The same message with the same key: whatever became of it the first time, it is paid once. */
  retry(): void {
    const { turn } = this.#state;
    if (turn && (turn.status === 'failed' || turn.status === 'unpaid')) void this.#run(turn);
  }

  /** Takes an unsent message back, for the field to hold again. */
  takeBack(): void {
    const content = this.#state.turn?.content ?? '';
    this.#endTurn();
    this.takenBack.dispatchEvent(new CustomEvent('taken', { detail: content }));
  }

  async stop(): Promise<void> {
    const { turn } = this.#state;
    if (!turn?.requestId) return;
    this.#setTurn({ stopping: true });
    try {
      await callApi(`${this.path}/requests/${turn.requestId}/cancel`, { key: this.key, method: 'POST' });
    } catch {
      this.#setTurn({ stopping: false });
    }
  }

  async loadOlder(): Promise<void> {
    const { older, messages } = this.#state;
    if (older !== 'more') return;
    this.#set({ older: 'loading' });
    try {
      const page = await this.#messages({ order: 'desc', after: messages[0]?.id });
      const known = this.#state.messages;
      const joined = joinMessages(page.messages.toReversed(), known);
      const prepended = this.#state.prepended + joined.length - known.length;
      this.#set({ messages: joined, prepended, older: page.hasMore ? 'more' : 'none' });
    } catch {
      this.#set({ older: 'more' });
    }
  }

  /** @throws {ApiError | UnreachableError} when it could not be forgotten, for example while a turn runs */
  async forget(): Promise<void> {
    await callApi(`${this.path}/messages`, { key: this.key, method: 'DELETE' });
    updateKept(this.id, { title: '' });
    this.#set({ messages: [], older: 'none' });
    this.#announce('The conversation was forgotten. The balance stays.');
  }

  leave(): void {
    dropKept(this.id);
  }

  openTopUp(): void {
    if (!this.#state.topUp) this.#set({ topUp: {} });
  }

  closeTopUp(): void {
    this.#set({ topUp: undefined });
  }

  /** @throws {ApiError | UnreachableError} */
  async createTopUp(amountSats: number): Promise<void> {
    const { invoice } = await callApi<TopUp>(`${this.path}/topup`, { key: this.key, json: { amountSats } });
    const { session, topUp } = this.#state;
    this.#set({
      topUp: topUp && { invoice },
      session: session?.status === 'awaiting_payment' ? { ...session, invoice } : session,
    });
  }

  /** Every message, oldest first, from the server. */
  async readAll(): Promise<readonly Message[]> {
    const all: Message[] = [];
    let hasMore = true;
    while (hasMore) {
      // oxlint-disable-next-line no-await-in-loop -- page by page
      const page = await this.#messages({ order: 'asc', after: all.at(-1)?.id, limit: 200 });
      all.push(...page.messages);
      hasMore = page.hasMore && page.messages.length > 0;
    }
    return all;
  }

  get #state(): ConversationState {
    return this.state.get();
  }

  #set(change: Partial<ConversationState>): void {
    this.state.set({ ...this.#state, ...change });
  }

  #setTurn(change: Partial<LiveTurn>): void {
    const { turn } = this.#state;
    if (turn) this.#set({ turn: { ...turn, ...change } });
  }

  #announce(announcement: string): void {
    this.#set({ announcement });
  }

  async #load(): Promise<void> {
    this.#loadingBegun = true;
    this.#set({ phase: 'loading' });
    try {
      const [session, page] = await Promise.all([
        callApi<Session>(this.path, { key: this.key }),
        this.#messages({ order: 'desc' }),
      ]);
      this.#set({
        phase: 'ready',
        messages: page.messages.toReversed(),
        older: page.hasMore ? 'more' : 'none',
      });
      // What follows the session may have been faster, and knows better.
      if (!this.#state.session) this.#onSession(session);
      this.#resume();
      void this.#nameIt();
    } catch (error) {
      this.#loadingBegun = false;
      this.#set({ phase: problemOf(error).status === 404 ? 'gone' : 'unreachable' });
    }
  }

  /** Opened with a key, it has no name here yet: its first message gives it one. */
  async #nameIt(): Promise<void> {
    if (this.#state.messages.length === 0 || findKept(this.id)?.title !== '') return;
    const { messages } = await this.#messages({ order: 'asc', limit: 1 }).catch(() => ({ messages: [] }));
    if (messages[0]) updateKept(this.id, { title: titleOf(messages[0].content) });
  }

  /** Tries again to load what could not be loaded. */
  reload(): void {
    if (!this.#loadingBegun) void this.#load();
  }

  async #messages(query: { order: 'asc' | 'desc'; after?: string | undefined; limit?: number }): Promise<MessagesPage> {
    const search = new URLSearchParams({ order: query.order, limit: String(query.limit ?? PAGE) });
    if (query.after) search.set('after', query.after);
    return callApi<MessagesPage>(`${this.path}/messages?${search}`, { key: this.key });
  }

  /** Balances come from one ordered source, so that an older one never looks like a deposit. */
  #onSession(session: Session): void {
    const before = this.#state.session;
    this.#set({ session, connected: true });
    updateKept(this.id, { balanceMsat: session.balanceMsat });
    if (this.#state.phase === 'unreachable') this.reload();
    if (before && (session.balanceMsat > before.balanceMsat || before.status !== session.status)) {
      this.#onFunded(session.balanceMsat - before.balanceMsat, before.status);
    }
    const settled = before && before.balanceMsat > session.balanceMsat;
    const released = before && before.heldMsat > session.heldMsat;
    if ((settled || released) && !this.#state.turn) void this.#loadNewer();
  }

  #onFunded(receivedMsat: number, previously: Session['status']): void {
    const { turn, session } = this.#state;
    if (session?.status !== 'active' || receivedMsat <= 0) return;
    const sats = Math.floor(receivedMsat / 1000);
    this.#set({ topUp: undefined });
    this.#announce(previously === 'awaiting_payment' ? `Paid: ${sats} sats. Say something.` : `${sats} sats arrived.`);
    updateKept(this.id, { usedAt: new Date().toISOString() });
    if (turn?.status === 'unpaid') void this.#run(turn);
  }

  /** What was said from elsewhere: another tab, another program. */
  async #loadNewer(): Promise<void> {
    try {
      const page = await this.#messages({ order: 'asc', after: this.#state.messages.at(-1)?.id, limit: 200 });
      this.#set({ messages: joinMessages(this.#state.messages, page.messages) });
    } catch (error) {
      // The message we stand at was forgotten elsewhere: so was everything before it.
      if (problemOf(error).status === 422) this.#set({ messages: [], older: 'none' });
    }
  }

  #resume(): void {
    const pending = readPending(this.id);
    if (!pending || this.#state.turn) return;
    const { idempotencyKey, content, requestId, failed } = pending;
    const turn: LiveTurn = { idempotencyKey, content, requestId, status: 'recovering', resumed: true };
    if (failed) this.#set({ turn: { ...turn, status: 'failed', resumed: false } });
    else if (requestId) void this.#recover(turn);
    else void this.#run(turn);
  }

  async #run(turn: LiveTurn): Promise<void> {
    const { idempotencyKey, content, resumed } = turn;
    const status = resumed && turn.status === 'recovering' ? 'recovering' : 'sending';
    this.#begin({ idempotencyKey, content, resumed: resumed ?? false, status });
    const outcome = await streamTurn(this, turn, {
      onStart: ({ requestId, history }) => {
        this.#setTurn({ requestId, history, status: 'replying' });
        writePending(this.id, { idempotencyKey, content, requestId });
      },
      onText: (text) => this.replyText.append(text),
      onReasoning: (text) => this.replyText.thoughts.append(text),
    });
    await this.#settle(outcome);
  }

  async #settle(outcome: TurnOutcome): Promise<void> {
    const { turn } = this.#state;
    if (!turn) return;
    switch (outcome.kind) {
      case 'done':
        return this.#finish(outcome.answer);
      case 'lost':
        if (turn.requestId) return this.#recover(turn);
        await pause(LOOK_MS);
        return this.#run({ ...turn, status: 'recovering', resumed: true });
      case 'busy':
        return this.#waitFor(outcome.requestId);
      case 'unpaid':
        this.#setTurn({ status: 'unpaid', problem: outcome.problem });
        this.#announce('The balance does not cover this message. It is kept: top up to send it.');
        return this.openTopUp();
      case 'gone':
        return this.#set({ phase: 'gone' });
      case 'failed':
        return this.#fail(outcome.problem);
    }
  }

  #begin(turn: LiveTurn): void {
    writePending(this.id, turn);
    const { messages } = this.#state;
    if (messages.length === 0) updateKept(this.id, { title: titleOf(turn.content) });
    updateKept(this.id, { usedAt: new Date().toISOString() });
    this.replyText.clear();
    this.#set({ turn, announcement: '' });
  }

  #finish(answer: TurnAnswer): void {
    const { turn, messages } = this.#state;
    if (!turn) return;
    this.receipts.put(answer);
    this.#endTurn({
      messages: joinMessages(messages, messagesOf(answer, turn.content)),
      announcement: answer.reply ? spokenReply(answer.reply.content) : '',
    });
  }

  #fail(problem: Problem): void {
    const { turn } = this.#state;
    this.replyText.clear();
    this.#setTurn({ status: 'failed', problem, requestId: undefined });
    this.#announce('That did not work. Nothing was charged.');
    // A reload shows it again, and does not send by itself what a person was told has failed.
    if (turn) writePending(this.id, { idempotencyKey: turn.idempotencyKey, content: turn.content, failed: true });
  }

  #endTurn(change: Partial<ConversationState> = {}): void {
    writePending(this.id, undefined);
    this.#set({ ...change, turn: undefined });
    this.replyText.clear();
  }

  /** Looks the request up until it has ended: its stream broke off, or was another page's. */
  async #recover(turn: LiveTurn): Promise<void> {
    const { requestId } = turn;
    if (!requestId) return this.#run(turn);
    this.#set({ turn: { ...turn, status: 'recovering' } });
    const answer = await this.#ended(requestId);
    if (answer === undefined || this.#state.turn?.idempotencyKey !== turn.idempotencyKey) return;
    if (answer.request.state === 'failed') {
      const title = 'The reply was cut off before it was finished';
      return this.#fail({ type: 'about:blank', title, status: 502, detail: 'Nothing was charged: try again.' });
    }
    this.#finish(answer);
  }

  /** Another request of this session runs, maybe from another tab: ours is sent when that one is done. */
  async #waitFor(requestId: string): Promise<void> {
    const waiting = this.#state.turn;
    if (!waiting) return;
    this.#setTurn({ status: waiting.resumed ? 'recovering' : 'waiting' });
    await this.#ended(requestId);
    if (this.#state.turn?.idempotencyKey !== waiting.idempotencyKey) return;
    if (!waiting.resumed) await this.#loadNewer();
    await this.#run(this.#state.turn);
  }

  async #ended(requestId: string): Promise<TurnAnswer | undefined> {
    while (this.#state.turn) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- asked again until it has ended
        const answer = await callApi<TurnAnswer>(`${this.path}/requests/${requestId}`, { key: this.key });
        this.#set({ connected: true });
        if (answer.request.state !== 'running') return answer;
      } catch (error) {
        if (error instanceof ApiError && error.problem.status === 404) return undefined;
        this.#set({ connected: false });
      }
      // oxlint-disable-next-line no-await-in-loop
      await pause(LOOK_MS);
    }
    return undefined;
  }
}
