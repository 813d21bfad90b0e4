/** Providers' habits, played over the wire against every kind of provider that has them. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

import { AppError } from '@timmy-tower/contract';
import { describe, expect, test } from 'vitest';

import type { ReplyEvent } from '../../src/agent.ts';
import { openAgent } from '../../src/open.ts';
import type { ReportedUsage } from '../../src/usage.ts';
import { type Protocol, protocols, SECRET } from '../protocols/index.ts';
import { openProviderServer } from '../provider-server.ts';
import { beginnings } from './beginnings.ts';
import { counts } from './counts.ts';
import { endings, words } from './endings.ts';
import { errorShapes } from './error-shapes.ts';
import { breaks, PROVIDERS_WORDS, refusals } from './failures.ts';
import { frames } from './frames.ts';
import { type Answer, type FailedReply, type GoodReply, type Habit, reset, type Sent } from './habit.ts';
import { pieces } from './pieces.ts';
import { requests } from './requests.ts';
import { silences } from './silences.ts';
import { thoughts } from './thoughts.ts';

const PRIVATE = 'where the treasure is buried';

interface Seen {
  readonly text: string;
  readonly reasoning: string;
  readonly usage: unknown;
  readonly end: ReplyEvent | undefined;
  readonly error: unknown;
}

async function play(protocol: Protocol, sent: Sent): Promise<Seen> {
  await using server = await openProviderServer();
  server.answer((response) => {
    send(response, answerOf(sent)).catch(() => response.destroy());
  });
  const agent = await openAgent({
    model: protocol.model,
    agentName: 'Timmy',
    instructions: 'Be brief.',
    ...protocol.settings(server.url),
  });
  const prompt = { history: [], message: PRIVATE };
  return await watch(agent.reply(prompt, { maxOutputTokens: 777, signal: new AbortController().signal }));
}

const answerOf = (sent: Sent): Answer =>
  typeof sent === 'string' ? { steps: [sent] } : 'steps' in sent ? sent : { steps: sent };

async function send(response: ServerResponse, { status = 200, headers, steps }: Answer): Promise<void> {
  const given = { 'content-type': 'text/event-stream', ...headers };
  response.writeHead(status, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')));
  for (const step of steps) {
    if (response.destroyed) return;
    if (typeof step === 'object' && 'last' in step) {
      if (step === reset) response.destroy();
      return;
    }
    if (typeof step === 'object' && 'pauseMs' in step) await delay(step.pauseMs);
    else if (step.length > 0 && !response.write(step)) await once(response, 'drain');
    await new Promise(setImmediate);
  }
  response.end();
}

async function watch(events: AsyncIterable<ReplyEvent>): Promise<Seen> {
  let text = '';
  let reasoning = '';
  let usage: unknown;
  let end: ReplyEvent | undefined;
  try {
    for await (const event of events) {
      if (event.type === 'text') text += event.text;
      else if (event.type === 'reasoning') reasoning += event.text;
      else if (event.type === 'usage') usage = countsIn(event.usage);
      else if (event.type === 'end') end = event;
    }
  } catch (error) {
    return { text, reasoning, usage, end, error };
  }
  return { text, reasoning, usage, end, error: undefined };
}

/** Without zeros, which tell nothing. */
const countsIn = (usage: ReportedUsage) => Object.fromEntries(Object.entries(usage).filter(([, tokens]) => tokens));

function expectReply(seen: Seen, { text, reasoning = '', finish = 'stop', usage }: GoodReply): void {
  expect(seen).toEqual({ text, reasoning, usage, end: { type: 'end', finish }, error: undefined });
}

/** What callers and the log are told: a code, and never what the provider said, nor the key, nor what was asked. */
function expectFailure(seen: Seen, expected: FailedReply): void {
  const { error, ...said } = seen;
  const { text = '', reasoning = '', usage } = expected;
  expect(said).toEqual({ text, reasoning, usage, end: undefined });
  if (!(error instanceof AppError) || !(error.cause instanceof Error)) throw error;
  expect(error.code).toBe(expected.fails);
  const { retryAfterSeconds } = expected;
  expect(error.fields).toEqual(retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
  expect(error.cause.message).toBe(expected.cause ?? error.cause.message);
  const everything = inspect(error, { depth: Infinity, showHidden: true });
  for (const secret of [SECRET, PRIVATE, PROVIDERS_WORDS]) expect(everything).not.toContain(secret);
}

const tables = {
  beginnings,
  pieces,
  thoughts,
  frames,
  endings,
  words,
  silences,
  counts,
  refusals,
  requests,
  breaks,
  errorShapes,
};

describe.each(Object.entries(tables))('%s', (_, habits: readonly Habit[]) => {
  const rows = habits.flatMap((habit) =>
    protocols.filter(({ kind }) => habit.kinds?.includes(kind) ?? true).map((protocol) => ({ habit, protocol })),
  );
  test.concurrent.each(rows)('$protocol.kind: $habit.name', async ({ habit, protocol }) => {
    const seen = await play(protocol, habit.sends(protocol));
    expect(seen.error === undefined).toBe(!('fails' in habit.gives));
    if ('fails' in habit.gives) expectFailure(seen, habit.gives);
    else expectReply(seen, habit.gives);
  });
});
