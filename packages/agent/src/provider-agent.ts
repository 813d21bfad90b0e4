/** A model of a provider's as an agent. It keeps nothing of what is said between turns and writes nothing to the console. */
import { setTimeout as delay } from 'node:timers/promises';

import { untilAborted } from './abort.ts';
import type { Agent, AgentHealth, ReplyEvent, ReplyOptions } from './agent.ts';
import { withSearch } from './base-url.ts';
import type { Prompt } from './prompt.ts';
import type { Provider } from './providers/provider.ts';
import { ReplyReader } from './reply-reader.ts';
import { countTokensAtOnce, MESSAGE_OVERHEAD_TOKENS } from './tokens.ts';
import { codeOf } from './wire/provider-error.ts';
import { ProviderFailure, toAppError } from './wire/provider-failure.ts';
import { readEvents, type ServerEvent } from './wire/read-events.ts';
import { buildRequest } from './wire/request.ts';
import { createSender } from './wire/send.ts';

export interface ProviderAgentOptions {
  readonly provider: Provider;
  /** What every request's address ends in, after its path. */
  readonly search?: string;
  /** Named in every answer. */
  readonly name: string;
  /** The whole system prompt. */
  readonly instructions: string;
}

/** After a finish: how long the usage and the end mark may take, and the end mark alone. */
const USAGE_GRACE_MS = 2000;
const END_GRACE_MS = 250;
/** After a finish that was none: how long more words may take. */
const WORDS_GRACE_MS = 15_000;
/** How long a connection may take to end by itself, so that the next turn can use it. */
const LET_GO_MS = 1000;

export function createProviderAgent({ provider, search = '', name, instructions }: ProviderAgentOptions): Agent {
  const overheadTokens = countTokensAtOnce(instructions) + MESSAGE_OVERHEAD_TOKENS;
  const send = createSender();
  let health: AgentHealth = { status: 'ok' };
  let reasons = false;

  async function* ask(prompt: Prompt, maxOutputTokens: number, upstream: AbortController): AsyncGenerator<ReplyEvent> {
    const request = await buildRequest(provider.model, {
      instructions,
      prompt,
      maxOutputTokens: Math.max(maxOutputTokens, provider.minOutputTokens),
    });
    const body = await send({ ...request, url: withSearch(request.url, search) }, upstream.signal);
    yield { type: 'alive' };
    const events = readEvents(body);
    yield* readReply(events, new ReplyReader(provider.createReader(), prompt, overheadTokens));
    void letGo(events, upstream);
  }

  async function* reply(prompt: Prompt, { maxOutputTokens, signal }: ReplyOptions): AsyncGenerator<ReplyEvent> {
    signal.throwIfAborted();
    const upstream = new AbortController();
    let end: ReplyEvent | undefined;
    try {
      for await (const event of untilAborted(ask(prompt, maxOutputTokens, upstream), signal)) {
        reasons ||= isReasoning(event);
        if (event.type === 'end') end = event;
        else yield event;
      }
    } catch (error) {
      signal.throwIfAborted();
      const failure = asFailure(error);
      if (failure.kind === 'out-of-order') health = { status: 'out-of-order', code: failure.message };
      throw toAppError(failure);
    } finally {
      if (!end) upstream.abort();
    }
    if (end) {
      health = { status: 'ok' };
      yield end;
    }
  }

  return { model: name, overheadTokens, reasons: () => reasons, health: () => health, reply };
}

type Events = AsyncGenerator<readonly ServerEvent[]>;

async function* readReply(events: Events, reader: ReplyReader): AsyncGenerator<ReplyEvent> {
  let deadlineMs = Infinity;
  while (!reader.isDone) {
    // oxlint-disable-next-line no-await-in-loop -- a stream is read in its order
    const arrived = await nextEvents(events, reader, deadlineMs);
    if (arrived === undefined) break;
    let hasSaid = false;
    for (const event of arrived) {
      for (const each of reader.read(event)) {
        hasSaid = true;
        yield each;
      }
    }
    if (!hasSaid) yield { type: 'alive' };
    if (reader.isFinished) deadlineMs = nextDeadline(deadlineMs, reader, hasSaid);
  }
  yield* reader.end();
}

/** @returns undefined when nothing more is to come, or is worth waiting for */
async function nextEvents(
  events: Events,
  reader: ReplyReader,
  deadlineMs: number,
): Promise<readonly ServerEvent[] | undefined> {
  try {
    const next = events.next();
    const arrived = await (reader.isFinished
      ? Promise.race([next, delay(deadlineMs - performance.now(), undefined, { ref: false })])
      : next);
    return arrived === undefined || arrived.done === true ? undefined : arrived.value;
  } catch (error) {
    if (reader.isFinished) return undefined;
    throw error;
  }
}

/** After a finish, what says nothing of the reply puts nothing off. */
function nextDeadline(deadlineMs: number, { hasUsage, wentOn }: ReplyReader, hasSaid: boolean): number {
  const now = performance.now();
  if (wentOn) return hasSaid ? now + WORDS_GRACE_MS : deadlineMs;
  const usageBy = hasSaid || deadlineMs === Infinity ? now + USAGE_GRACE_MS : deadlineMs;
  return hasUsage ? Math.min(usageBy, now + END_GRACE_MS) : usageBy;
}

/** Waits a little for the connection to end by itself: hung up on, it could not be used again. */
async function letGo(events: Events, upstream: AbortController): Promise<void> {
  const late = delay(LET_GO_MS, 'late' as const, { ref: false });
  const ended = async () => {
    for await (const _ of events);
  };
  await Promise.race([ended(), late]).catch(() => {});
  upstream.abort();
}

function isReasoning(event: ReplyEvent): boolean {
  return event.type === 'reasoning' || (event.type === 'usage' && Boolean(event.usage.reasoningTokens));
}

/** Errors of others do not travel: they carry what people said, or what was answered. */
function asFailure(error: unknown): ProviderFailure {
  return error instanceof ProviderFailure ? error : new ProviderFailure('broken', { code: codeOf(error) });
}
