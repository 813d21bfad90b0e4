/**
 * The turn under way: one at a time. A message is sent with an idempotency key that is stored before it leaves, so that neither a
 * retry nor a reload pays for it twice.
 */
import type { Problem, TurnAnswer } from '@timmy-tower/contract';

import { ApiError } from '../api/client.ts';
import type { SentMessage, SessionApi } from '../api/session-api.ts';
import { dropPending, readPending, timestamp, updateKept, writeDraft, writePending } from '../keyring.ts';
import type { AskedMemory } from '../memory/memory-levels.ts';
import type { ConversationStore } from './conversation-store.ts';
import type { Funding } from './funding.ts';
import { createIdempotencyKey } from './idempotency-key.ts';
import type { MessageList } from './message-list.ts';
import type { Receipts } from './receipts.ts';
import type { ReplyText } from './reply-text.ts';
import { type ConversationState, joinMessages, type LiveTurn, messagesOf, spokenReply, titleOf } from './state.ts';
import { streamTurn, type TurnOutcome } from './take-turn.ts';

const LOOK_MS = 700;
const MAX_PAUSE_MS = 5000;
/** How often something on the way may refuse a message before its sender is asked. */
const MOST_REFUSALS = 4;

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
  /** How often in a row the message left and the server said nothing. */
  #losses = 0;

  constructor(parts: TurnRunnerParts) {
    this.#parts = parts;
  }

  send(content: string, memory: AskedMemory | undefined): void {
    if (this.#turn) return;
    void this.#run({ idempotencyKey: createIdempotencyKey(), content, memory, status: 'sending' });
    // Stored by now, as far as anything can be stored here.
    writeDraft(this.#parts.api.id, '');
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

  /** Gives the message up: it is a draft again. @returns what it said */
  takeBack(): string {
    const { id } = this.#parts.api;
    const content = this.#turn?.content ?? '';
    this.#end();
    writeDraft(id, content);
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
    const { requestId, failed, notCharged = false } = pending;
    const turn: LiveTurn = { ...sentAs(pending), requestId, status: 'recovering', resumed: true };
    if (failed) this.#parts.store.change({ turn: { ...turn, status: 'failed', resumed: false, notCharged } });
    else if (requestId) void this.#recover(turn);
    else void this.#run(turn);
  }

  get #turn(): LiveTurn | undefined {
    return this.#parts.store.get().turn;
  }

  async #run(turn: LiveTurn): Promise<void> {
    const { api, store, replyText } = this.#parts;
    const { resumed } = turn;
    const sent = sentAs(turn);
    const status = resumed && turn.status === 'recovering' ? 'recovering' : 'sending';
    this.#begin({ ...sent, resumed: resumed ?? false, status });
    const outcome = await streamTurn(api, sent, {
      onStart: ({ requestId, history }) => {
        store.changeTurn({ requestId, history, status: 'replying' });
        writePending(api.id, { ...sent, requestId });
      },
      onText: (text) => replyText.append(text),
      onReasoning: (text) => replyText.thoughts.append(text),
    });
    if (outcome.kind !== 'lost') this.#losses = 0;
    // Another message took its place: what became of this one is not that one's outcome.
    if (this.#turn?.idempotencyKey === sent.idempotencyKey) await this.#settle(outcome);
  }

  async #settle(outcome: TurnOutcome): Promise<void> {
    const { store, funding } = this.#parts;
    const turn = this.#turn;
    if (!turn) return;
    switch (outcome.kind) {
      case 'done':
        return this.#finish(outcome.answer);
      case 'lost':
        return this.#lookUp(turn, outcome);
      case 'busy':
        return this.#waitFor(outcome.requestId);
      case 'unpaid':
        store.changeTurn({ status: 'unpaid', problem: outcome.problem });
        store.announce('The balance does not cover this message. It is kept: top up to send it.');
        return funding.open();
      case 'gone':
        return store.change({ phase: 'gone' });
      case 'failed':
        return this.#fail(outcome.problem, { notCharged: outcome.problem.code !== 'idempotency-mismatch' });
    }
  }

  #lookUp(turn: LiveTurn, { requestId, status }: TurnOutcome & { kind: 'lost' }): Promise<void> {
    const known = turn.requestId ?? requestId;
    return known ? this.#recover({ ...turn, requestId: known }) : this.#sendAgain(turn, status);
  }

  /** With the same key: if the message did arrive, this fetches what became of it. */
  async #sendAgain(turn: LiveTurn, status: number): Promise<void> {
    this.#losses += 1;
    if (this.#losses >= MOST_REFUSALS && isRefusal(status))
      return this.#fail(unknownOutcome(status), { notCharged: false });
    await pause(Math.min(LOOK_MS * 2 ** (this.#losses - 1), MAX_PAUSE_MS));
    if (this.#turn?.idempotencyKey !== turn.idempotencyKey) return;
    await this.#run({ ...turn, status: 'recovering', resumed: true });
  }

  #begin(turn: LiveTurn): void {
    const { api, store, replyText } = this.#parts;
    writePending(api.id, turn);
    if (store.get().messages.length === 0) updateKept(api.id, { title: titleOf(turn.content) });
    updateKept(api.id, { usedAt: timestamp() });
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

  #fail(problem: Problem, { notCharged }: { notCharged: boolean }): void {
    const { api, store, replyText } = this.#parts;
    const turn = this.#turn;
    this.#losses = 0;
    replyText.clear();
    store.changeTurn({ status: 'failed', problem, requestId: undefined, notCharged });
    store.announce(
      notCharged ? 'That did not work. You were not charged.' : `That did not work. ${problem.detail ?? ''}`,
    );
    if (!turn) return;
    // A reload shows it again, and does not send by itself what a person was told has failed.
    writePending(api.id, { ...sentAs(turn), failed: true, notCharged });
  }

  #end(change: Partial<ConversationState> = {}): void {
    const { api, store, replyText } = this.#parts;
    dropPending(api.id);
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
      const detail = 'Try again in a moment.';
      return this.#fail({ type: 'about:blank', title, status: 502, detail }, { notCharged: true });
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
        store.setConnected(true);
        if (answer.request.state !== 'running') return answer;
      } catch (error) {
        if (error instanceof ApiError && error.problem.code === 'not-found') return undefined;
        store.setConnected(false);
      }
      // oxlint-disable-next-line no-await-in-loop
      await pause(LOOK_MS);
    }
    return undefined;
  }
}

const sentAs = ({ idempotencyKey, content, memory }: SentMessage): SentMessage => ({ idempotencyKey, content, memory });

/** Some other program's refusal, which a few more tries may not change; that a server is away for a while is none. */
const isRefusal = (status: number) => status >= 400 && status <= 501 && ![408, 425, 429].includes(status);

const unknownOutcome = (status: number): Problem => ({
  type: 'about:blank',
  title: 'No answer of the server came through',
  status,
  detail:
    `Something on the way answered in its place (${status}): whether your message arrived is not known. ` +
    'Trying again is safe: it is charged once at most.',
});
