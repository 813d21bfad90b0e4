/** The whole app for tests: a real PostgreSQL, the simulated wallet and a scripted agent. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises'; // goes on where a test has stopped the clock

import type { Agent } from '@timmy-tower/agent';
import {
  createScriptedAgent,
  type ScriptedAgent,
  type ScriptedCall,
  type ScriptedTurn,
} from '@timmy-tower/agent/testing';
import type { Problem, RequestLimits, Session, SessionOpened, StreamEvent, TurnAnswer } from '@timmy-tower/contract';
import { listDiscrepancies } from '@timmy-tower/db';
import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { openSimulatedWallet, type SimulatedWallet } from '@timmy-tower/lightning';
import { expect } from 'vitest';

import { createApp } from '../src/app.ts';
import type { Deps } from '../src/deps.ts';
import { createLog } from '../src/log.ts';
import { JoinedReplies } from '../src/sessions/joined-replies.ts';
import { KnownKeys } from '../src/sessions/known-keys.ts';
import type { App } from '../src/routes/http.ts';
import { startRecovery } from '../src/sessions/recover.ts';
import { RunningTurns } from '../src/sessions/running-turns.ts';
import { createSessionQueues } from '../src/sessions/session-queues.ts';
import { settlePayment, watchPayments } from '../src/sessions/settlement.ts';
import { WatchedSessions } from '../src/sessions/watched-sessions.ts';

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface TestAppOptions {
  readonly agent?: Agent;
  readonly database?: TestDatabase;
  readonly wallet?: SimulatedWallet;
  readonly leaseMs?: number;
  /** Anything else that the server would be configured with. */
  readonly deps?: Partial<Deps>;
  /** false: nothing is done in the background, so that a test decides when a payment is noticed or a lease swept. */
  readonly watch?: boolean;
}

export interface TestApp {
  readonly app: App;
  readonly deps: Deps;
  readonly wallet: SimulatedWallet;
  readonly database: TestDatabase;
  call<Body = unknown>(path: string, init?: CallInit): Promise<Answer<Body>>;
  /** SQL past the app, for what no route can bring about or show. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** A new session, paid and credited. */
  fund(amountSats?: number): Promise<TestSession>;
  /** A new session, not paid. */
  open(amountSats?: number): Promise<TestSession>;
  close(): Promise<void>;
}

export interface CallInit {
  readonly method?: string;
  readonly key?: string;
  readonly json?: unknown;
  readonly headers?: Record<string, string>;
}

/** A session with its key in hand. */
export interface TestSession extends SessionOpened {
  readonly id: string;
  call<Body = unknown>(path: string, init?: CallInit): Promise<Answer<Body>>;
  ask(content: string, options?: AskOptions): Promise<Answer<TurnAnswer & Problem>>;
  stream(content: string, options?: AskOptions): Promise<AsyncGenerator<StreamEvent>>;
  show(): Promise<Session>;
}

export interface AskOptions {
  readonly idempotencyKey?: string;
  readonly body?: Record<string, unknown>;
}

/** What the app is limited to unless a test says otherwise. */
export const testLimits: RequestLimits = {
  minDepositSats: 10,
  maxDepositSats: 1_000_000,
  maxOutputTokens: 1024,
  history: { maxMessages: 8, tokenBudget: 4000, recallTokens: 1000 },
  historyLimit: { maxMessages: 200, tokenBudget: 32_000 },
};

/** Opens the app as `main.ts` would, on a database of its own unless one is shared with another server. */
export async function openTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-wallet-'));
  const database = options.database ?? (await openTestDatabase());
  const wallet = options.wallet ?? (await openSimulatedWallet({ directory }));
  const log = createLog('silent');
  const { db, leaseDb } = database;
  const watchedSessions = options.deps?.watchedSessions ?? new WatchedSessions({ db, log, sessionIdleDays: 30 });
  const deps: Deps = {
    db,
    wallet,
    log,
    agent: options.agent ?? createScriptedAgent(() => ({ deltas: ['Hello', ' there'] })),
    queues: createSessionQueues(),
    knownKeys: new KnownKeys(db),
    runningTurns: new RunningTurns({ db: leaseDb, log, ...(options.leaseMs && { leaseMs: options.leaseMs }) }),
    watchedSessions,
    joinedReplies: new JoinedReplies({ db, watchedSessions }),
    limits: testLimits,
    prices: { inputMsatPerKtoken: 3000n, outputMsatPerKtoken: 15_000n },
    modelTimeLimits: { silenceMs: 10_000, totalMs: 20_000 },
    agentName: 'Timmy',
    sessionIdleDays: 30,
    newSessionsPerMinute: 100_000,
    trustedProxies: 0,
    corsOrigins: [],
    ...options.deps,
  };
  const app = createApp(deps);
  const stopWatching = options.watch === false ? async () => {} : watchPayments(deps);
  const stopRecovery = options.watch === false ? async () => {} : startRecovery(deps);

  const call = async <Body>(path: string, init: CallInit = {}): Promise<Answer<Body>> => {
    const response = await request(app, path, init);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each test knows what it asks for
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as Body };
  };
  const open = async (amountSats = 1000): Promise<TestSession> => {
    const { body } = await call<SessionOpened>('/sessions', { json: { amountSats } });
    return sessionWith(app, call, body);
  };
  return {
    app,
    deps,
    wallet,
    database,
    call,
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const { rows } = await db.$client.query(text, [...values]);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each test knows what it asks for
      return rows as Row[];
    },
    open,
    async fund(amountSats) {
      const session = await open(amountSats);
      await wallet.pay(session.invoice.bolt11);
      if (options.watch === false) await settlePayment(deps, session.invoice.paymentHash);
      await until(async () => (await session.show()).status === 'active');
      return session;
    },
    async close() {
      deps.watchedSessions.close();
      deps.joinedReplies.close();
      await deps.runningTurns.close(0);
      await stopRecovery();
      await stopWatching();
      if (!options.wallet) await wallet.close();
      if (!options.database) await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function sessionWith(app: App, call: TestApp['call'], opened: SessionOpened): TestSession {
  const { id } = opened.session;
  const path = (rest: string) => `/sessions/${id}${rest}`;
  const turn = (content: string, { idempotencyKey, body }: AskOptions = {}): CallInit => ({
    key: opened.key,
    json: { content, ...body },
    headers: idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
  });
  return {
    ...opened,
    id,
    call: (rest, init) => call(path(rest), { key: opened.key, ...init }),
    ask: (content, options) => call(path('/request'), turn(content, options)),
    async stream(content, options) {
      const init = turn(content, options);
      const response = await request(app, path('/request'), {
        ...init,
        headers: { ...init.headers, accept: 'text/event-stream' },
      });
      if (response.status !== 200) throw new Error(`expected a stream, got ${response.status}`);
      return readEvents(response.body!);
    },
    show: async () => (await call<Session>(path(''), { key: opened.key })).body,
  };
}

async function request(app: App, path: string, { method, key, json, headers }: CallInit): Promise<Response> {
  return app.request(path, {
    method: method ?? (json === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
}

/** The events of a stream, in the order they came. Comments are passed over. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let buffered = '';
  for await (const chunk of body) {
    buffered += decoder.decode(chunk, { stream: true });
    const blocks = buffered.split('\n\n');
    buffered = blocks.pop()!;
    for (const block of blocks) {
      const event = /^event: ([^\n]*)/m.exec(block)?.[1];
      const data = /^data: ([^\n]*)/m.exec(block)?.[1];
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the server says it sends
      if (event && data) yield { event, data: JSON.parse(data) } as StreamEvent;
    }
  }
}

/** An agent that is told what to do about each message: it says `Said: …` unless told otherwise. */
export interface MessageScript {
  readonly agent: ScriptedAgent;
  when(message: string, turn: ScriptedTurn): void;
  /** What the agent was asked with this message since it was cleared. */
  readonly callsAbout: (message: string) => ScriptedCall[];
  clear(): void;
}

export function createMessageScript(): MessageScript {
  const turns = new Map<string, ScriptedTurn>();
  let forgotten = 0;
  const agent = createScriptedAgent((prompt, options) => {
    const turn = turns.get(prompt.message) ?? { deltas: ['Said: ', prompt.message] };
    return typeof turn === 'function' ? turn(prompt, options) : turn;
  });
  return {
    agent,
    when: (message, turn) => void turns.set(message, turn),
    callsAbout: (message) => agent.calls.slice(forgotten).filter(({ prompt }) => prompt.message === message),
    clear() {
      turns.clear();
      forgotten = agent.calls.length;
    },
  };
}

/** Every balance is the sum of its ledger, every hold that of the running requests. */
export async function expectBooksBalance({ deps }: TestApp): Promise<void> {
  expect(await listDiscrepancies(deps.db)).toEqual([]);
}

/** All events of a stream, once it has ended. */
export async function collect(events: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const collected: StreamEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

/** Resolves once the condition holds. The limit is there to name a condition that never will. */
export async function until(condition: () => Promise<boolean> | boolean, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${condition.toString()}`);
    await delay(10);
  }
}
