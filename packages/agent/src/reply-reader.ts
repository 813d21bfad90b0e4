/**
 * Makes a reply of what a provider sends. How it ended is taken from what was said, never from the connection alone: after a
 * finish or an end mark it stands, whatever follows; without one it broke off.
 */
import { isBlank } from '@timmy-tower/contract';

import type { ReplyEvent } from './agent.ts';
import type { Prompt } from './prompt.ts';
import type { ReportedUsage } from './usage.ts';
import { endIn } from './wire/end-mark.ts';
import { errorIn } from './wire/error-shapes.ts';
import { type Finish, readFinish } from './wire/finish.ts';
import { failureOf } from './wire/provider-error.ts';
import { ProviderFailure } from './wire/provider-failure.ts';
import { isReported, laterUsage, mostInputTokens, readUsage } from './wire/raw-usage.ts';
import type { ServerEvent } from './wire/read-events.ts';
import { usageIn } from './wire/usage-in.ts';
import { ThinkTags } from './wire/think-tags.ts';
import type { WireEvent, WireReader } from './wire/wire-event.ts';

export class ReplyReader {
  readonly #wire: WireReader;
  readonly #mostInput: number;
  readonly #tags = new ThinkTags();
  #usage: ReportedUsage = {};
  #finish: Finish | undefined;
  #isDone = false;
  #hasOutput = false;
  #hasWords = false;
  #wentOn = false;

  constructor(wire: WireReader, prompt: Prompt, overheadTokens: number) {
    this.#wire = wire;
    this.#mostInput = mostInputTokens(prompt, overheadTokens);
  }

  /** Whether the end mark was read: the connection has nothing more to say. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether the reply stands: what goes wrong from here on does not matter. */
  get isFinished(): boolean {
    return this.#isDone || this.#finish !== undefined;
  }

  /** Whether more was said behind a finish: those that send one with every piece say nothing by it. */
  get wentOn(): boolean {
    return this.#wentOn;
  }

  get hasUsage(): boolean {
    return isReported(this.#usage);
  }

  /** @throws {ProviderFailure} for an event that tells of an error, or that cannot be read */
  *read(event: ServerEvent): Generator<ReplyEvent> {
    for (const each of this.#translate(event)) yield* this.#take(each);
  }

  #translate(event: ServerEvent): readonly WireEvent[] {
    if (event === 'done') return [{ type: 'done' }];
    if (event instanceof ProviderFailure) return [{ type: 'failure', failure: event }];
    const { name, json } = event;
    const error = errorIn(name, json);
    if (error) return [...usageIn(json['usage']), { type: 'failure', failure: failureOf(error) }];
    return [...this.#wire.read(json), ...endIn(name, json)];
  }

  /** The rest of the reply, once nothing more is to come. @throws {ProviderFailure} when there is no reply */
  end(): ReplyEvent[] {
    const rest = this.#tags.end().flatMap((each) => this.#say(each));
    this.#refuseHalf();
    return [...rest, { type: 'end', finish: this.#finish === 'length' ? 'length' : 'stop' }];
  }

  #take(event: WireEvent): ReplyEvent[] {
    switch (event.type) {
      case 'text':
        return this.#tags.push(event.text).flatMap((each) => this.#say(each));
      case 'reasoning':
        return this.#say(event);
      case 'usage':
        this.#usage = laterUsage(this.#usage, readUsage(event.usage, this.#mostInput));
        return this.hasUsage ? [{ type: 'usage', usage: this.#usage }] : [];
      case 'finish':
        this.#finish ??= readFinish(event.word);
        return [];
      case 'done':
        this.#isDone = true;
        return [];
      case 'failure':
        return this.#fail(event.failure);
    }
  }

  #say(event: WireEvent): ReplyEvent[] {
    if (event.type !== 'text' && event.type !== 'reasoning') return [];
    this.#wentOn ||= this.isFinished;
    this.#hasOutput = true;
    this.#hasWords ||= event.type === 'text' && !isBlank(event.text);
    return [event];
  }

  /** Once words were said it broke off, for whatever reason; before that the reason may help. */
  #fail(failure: ProviderFailure): ReplyEvent[] {
    if (this.isFinished) return [];
    throw this.#hasWords ? new ProviderFailure('broken', failure.facts) : failure;
  }

  #refuseHalf(): void {
    if (!this.#hasWords && !this.#hasOutput && !this.hasUsage) {
      throw new ProviderFailure(this.#finish === 'filtered' ? 'refused' : 'broken', { code: 'nothing_said' });
    }
    if (this.#finish === 'failed') throw new ProviderFailure('broken', { code: 'failed_by_its_own_word' });
    if (!this.#hasWords) return;
    if (this.#finish === 'tools') throw new ProviderFailure('broken', { code: 'tool_call' });
    if (!this.isFinished) throw new ProviderFailure('broken', { code: 'broke_off' });
  }
}
