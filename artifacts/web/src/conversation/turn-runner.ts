/**
 * The turn under way: one at a time. A message is sent with an idempotency key that is stored before it leaves, so that neither a
 * retry nor a reload pays for it twice.
 */
import type { Problem, TurnAnswer } from '@timmy-tower/contract';

import { ApiError } from '../api/client.ts';
import type { SessionApi } from '../api/session-api.ts';
import { readPending, updateKept, writeDraft, writePending } from '../keyring.ts';
import type { ConversationStore } from './conversation-store.ts';
import type { Funding } from './funding.ts';
import type { MessageList } from './message-list.ts';
import type { Receipts } from './receipts.ts';
import type { ReplyText } from './reply-text.ts';
import { type ConversationState, joinMessages, type LiveTurn, messagesOf, spokenReply, titleOf } from './state.ts';
import { streamTurn, type TurnOutcome } from './take-turn.ts';

const LOOK_MS = 700;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface TurnRunnerParts {
  readonly api: SessionApi;
  readonly store: ConversationStore;
  readonly replyText: ReplyText;
  readonly receipts: Receipts;
  readonly messages: MessageList;
  readonly funding: Funding;
}

export class TurnRunner {
  readonly #parts: TurnRunnerParts;

  constructor(parts: TurnRunnerParts) {
    this.#parts = parts;
  }

  send(content: string): void {
    if (this.#turn) return;
    writeDraft(this.#parts.api.id, '');
    void this.#run({ idempotencyKey: crypto.randomUUID(), content, status: 'sending' });
  }

  /** The same message with the same key: whatever became of it the first time, it is paid once. */
  retry(): void {
    const turn = this.#turn;
    if (turn && (turn.status === 'failed' || turn.status === 'unpaid')) void this.#run(turn);
  }

  /** What waited for money goes out now. */
  sendUnpaid(): void {
    const turn = this.#turn;
    if (turn?.status === 'unpaid') void this.#run(turn);
  }

  /** Gives the message up. @returns what it said */
  takeBack(): string {
    const content = this.#turn?.content ?? '';
    this.#end();
    return content;
  }

  async stop(): Promise<void> {
    const { api, store } = this.#parts;
    const turn = this.#turn;
    if (!turn?.requestId) return;
    store.changeTurn({ stopping: true });
    try {
      await api.cancel(turn.requestId);
    } catch {
      store.changeTurn({ stopping: false });
    }
  }

  /** Picks up what an earlier page sent. */
  resume(): void {
    const pending = readPending(this.#parts.api.id);
    if (!pending || this.#turn) return;
    const { idempotencyKey, content, requestId, failed } = pending;
    const turn: LiveTurn = { idempotencyKey, content, requestId, status: 'recovering', resumed: true };
    if (failed) this.#parts.store.change({ turn: { ...turn, status: 'failed', resumed: false } });
    else if (requestId) void this.#recover(turn);
    else void this.#run(turn);
  }

  get #turn(): LiveTurn | undefined {
    return this.#parts.store.get().turn;
  }

  async #run(turn: LiveTurn): Promise<void> {
    const { api, store, replyText } = this.#parts;
    const { idempotencyKey, content, resumed } = turn;
    const status = resumed && turn.status === 'recovering' ? 'recovering' : 'sending';
    this.#begin({ idempotencyKey, content, resumed: resumed ?? false, status });
    const outcome = await streamTurn(api, turn, {
      onStart: ({ requestId, history }) => {
        store.changeTurn({ requestId, history, status: 'replying' });
        writePending(api.id, { idempotencyKey, content, requestId });
      },
      onText: (text) => replyText.append(text),
      onReasoning: (text) => replyText.thoughts.append(text),
    });
    await this.#settle(outcome);
  }

  async #settle(outcome: TurnOutcome): Promise<void> {
    const { store, funding } = this.#parts;
    const turn = this.#turn;
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
        store.changeTurn({ status: 'unpaid', problem: outcome.problem });
        store.announce('The balance does not cover this message. It is kept: top up to send it.');
        return funding.open();
      case 'gone':
        return store.change({ phase: 'gone' });
      case 'failed':
        return this.#fail(outcome.problem);
    }
  }

  #begin(turn: LiveTurn): void {
    const { api, store, replyText } = this.#parts;
    writePending(api.id, turn);
    if (store.get().messages.length === 0) updateKept(api.id, { title: titleOf(turn.content) });
    updateKept(api.id, { usedAt: new Date().toISOString() });
    replyText.clear();
    store.change({ turn, announcement: '' });
  }

  #finish(answer: TurnAnswer): void {
    const { store, receipts } = this.#parts;
    const turn = this.#turn;
    if (!turn) return;
    receipts.put(answer);
    this.#end({
      messages: joinMessages(store.get().messages, messagesOf(answer, turn.content)),
      announcement: answer.reply ? spokenReply(answer.reply.content) : '',
    });
  }

  #fail(problem: Problem): void {
    const { api, store, replyText } = this.#parts;
    const turn = this.#turn;
    replyText.clear();
    store.changeTurn({ status: 'failed', problem, requestId: undefined });
    store.announce('That did not work. Nothing was charged.');
    // A reload shows it again, and does not send by itself what a person was told has failed.
    if (turn) writePending(api.id, { idempotencyKey: turn.idempotencyKey, content: turn.content, failed: true });
  }

  #end(change: Partial<ConversationState> = {}): void {
    const { api, store, replyText } = this.#parts;
    writePending(api.id, undefined);
    store.change({ ...change, turn: undefined });
    replyText.clear();
  }

  /** Looks the request up until it has ended: its stream broke off, or was another page's. */
  async #recover(turn: LiveTurn): Promise<void> {
    const { requestId } = turn;
    if (!requestId) return this.#run(turn);
    this.#parts.store.change({ turn: { ...turn, status: 'recovering' } });
    const answer = await this.#ended(requestId);
    if (answer === undefined || this.#turn?.idempotencyKey !== turn.idempotencyKey) return;
    if (answer.request.state === 'failed') {
      const title = 'The reply was cut off before it was finished';
      return this.#fail({ type: 'about:blank', title, status: 502, detail: 'Nothing was charged: try again.' });
    }
    this.#finish(answer);
  }

  /** Another request of this session runs, maybe from another tab: ours is sent when that one is done. */
  async #waitFor(requestId: string): Promise<void> {
    const { store, messages } = this.#parts;
    const waiting = this.#turn;
    if (!waiting) return;
    store.changeTurn({ status: waiting.resumed ? 'recovering' : 'waiting' });
    await this.#ended(requestId);
    if (this.#turn?.idempotencyKey !== waiting.idempotencyKey) return;
    if (!waiting.resumed) await messages.loadNewer();
    await this.#run(this.#turn);
  }

  async #ended(requestId: string): Promise<TurnAnswer | undefined> {
    const { api, store } = this.#parts;
    while (this.#turn) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- asked again until it has ended
        const answer = await api.request(requestId);
        store.change({ connected: true });
        if (answer.request.state !== 'running') return answer;
      } catch (error) {
        if (error instanceof ApiError && error.problem.status === 404) return undefined;
        store.change({ connected: false });
      }
      // oxlint-disable-next-line no-await-in-loop
      await pause(LOOK_MS);
    }
    return undefined;
  }
}
