/** The reply of a turn while it is said, for whoever reads along: what was said so far is held once, however many read. */
import { AppError, type ShownHistory, type StreamEvent, type TurnAnswer } from '@timmy-tower/contract';

import { toProblem } from '../problem.ts';

export interface ReplyFollower {
  /** There is more to read. */
  readonly wake: () => void;
}

export class RunningReply {
  readonly requestId: string;
  readonly #followers = new Set<ReplyFollower>();
  /** As they were said: to take what is new off one long text costs the whole of it each time. */
  readonly #pieces: string[] = [];
  readonly #onUnread: () => void;
  #shown: ShownHistory | undefined;
  #ending: StreamEvent | undefined;

  constructor(requestId: string, onUnread: () => void = () => {}) {
    this.requestId = requestId;
    this.#onUnread = onUnread;
  }

  /** What the model was shown; undefined before it is asked. */
  get shown(): ShownHistory | undefined {
    return this.#shown;
  }

  /** In how many pieces it was said so far; none ends in half a character. */
  get length(): number {
    return this.#pieces.length;
  }

  /** `done` or `error`, once it has ended: what is above changes no more. */
  get ending(): StreamEvent | undefined {
    return this.#ending;
  }

  show(shown: ShownHistory): void {
    this.#shown = shown;
    this.#wake();
  }

  say(piece: string): void {
    this.#pieces.push(piece);
    this.#wake();
  }

  /** What was said after so many pieces. */
  saidSince(length: number): string {
    return this.#pieces.slice(length).join('');
  }

  finish(answer: TurnAnswer): void {
    this.#end({ event: 'done', data: answer });
  }

  fail(error: unknown): void {
    this.#end({ event: 'error', data: toProblem(error) });
  }

  /** A request that has ended, as a whole. */
  take(answer: TurnAnswer): void {
    this.show(answer.history);
    if (answer.reply?.content) this.say(answer.reply.content);
    if (answer.request.state === 'failed') this.fail(turnFailed(answer.request.id));
    else this.finish(answer);
  }

  join(follower: ReplyFollower): void {
    this.#followers.add(follower);
  }

  leave(follower: ReplyFollower): void {
    if (this.#followers.delete(follower) && this.#followers.size === 0) this.#onUnread();
  }

  #end(ending: StreamEvent): void {
    this.#ending ??= ending;
    this.#wake();
  }

  #wake(): void {
    for (const follower of this.#followers) follower.wake();
  }
}

/** Why it failed was told to those who read it then, and is not kept. */
const turnFailed = (requestId: string) =>
  new AppError('agent-failed', 'This turn failed. Nothing was stored, and nothing was charged: ask again.', {
    fields: { requestId },
  });
