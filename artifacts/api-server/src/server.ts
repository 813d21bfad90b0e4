/** Opens what the configuration asks for, in order, and serves it. */
import { once } from 'node:events';
import type { Server } from 'node:http';

import { openAgent } from '@timmy-tower/agent';
import { AppError } from '@timmy-tower/contract';
import { openDatabase } from '@timmy-tower/db';
import { openWallet, SimulatedWallet } from '@timmy-tower/lightning';
import type { Logger } from 'pino';

import { createApp } from './app.ts';
import { agentSettings, type Config, requestLimits } from './config.ts';
import { DATA_DIRECTORY } from './data-directory.ts';
import type { Deps } from './deps.ts';
import { describeError } from './log.ts';
import { openOwnPostgres } from './own-postgres.ts';
import { JoinedReplies } from './sessions/joined-replies.ts';
import { KnownKeys } from './sessions/known-keys.ts';
import { readPage } from './page.ts';
import { PAGE_DIRECTORY } from './places.ts';
import { serveApp } from './serve-app.ts';
import { startRecovery } from './sessions/recover.ts';
import { RunningTurns } from './sessions/running-turns.ts';
import { createSessionQueues } from './sessions/session-queues.ts';
import { watchPayments } from './sessions/settlement.ts';
import { WatchedSessions } from './sessions/watched-sessions.ts';

/** How long running turns may take to finish when the server stops. */
const SHUTDOWN_MS = 10_000;

export interface RunningServer {
  readonly url: string;
  /** What it runs on, for people; holds no password. */
  readonly database: string;
  readonly wallet: string;
  readonly simulated: boolean;
  readonly close: () => Promise<void>;
}

/**
 * @throws {AppError | RangeError} saying what could not be opened; what was open is closed again
 * @throws the signal's reason when it is told to stop before it serves
 */
export async function startServer(config: Config, log: Logger, stopped: AbortSignal): Promise<RunningServer> {
  await using opening = new AsyncDisposableStack();
  const { database, ...deps } = await openDeps(config, log, { opening, stopped });
  stopped.throwIfAborted();
  opening.defer(watchPayments(deps));
  opening.defer(startRecovery(deps));
  const server = await listen(deps, config);
  opening.defer(() => stopServing(server, deps));
  const opened = opening.move();
  return {
    url: urlOf(server, config.settings.HOST),
    database,
    wallet: deps.wallet.name,
    simulated: deps.wallet instanceof SimulatedWallet,
    close: () => opened.disposeAsync(),
  };
}

/** Each thing opened is put on the stack, which closes them in reverse order. */
async function openDeps(
  config: Config,
  log: Logger,
  { opening, stopped }: { opening: AsyncDisposableStack; stopped: AbortSignal },
): Promise<Deps & { database: string }> {
  const { settings, production } = config;
  const { url, database } = await findPostgres(config, log, opening);
  stopped.throwIfAborted();
  const { db, leaseDb, close } = await openDatabase(url, {
    pooler: settings.DATABASE_POOLER,
    poolSize: settings.DATABASE_POOL_SIZE,
    timeLimits: true,
    onWarning: (warning) => log.warn(warning),
    onConnectionLost: (error) => log.warn({ error: describeError(error) }, 'a database connection was lost'),
  });
  opening.defer(close);
  stopped.throwIfAborted();
  const wallet = await openWallet(settings.WALLET_URL, { dataDirectory: DATA_DIRECTORY, production });
  opening.defer(() => wallet.close());
  const agent = await openAgent(agentSettings(settings));
  const watchedSessions = new WatchedSessions({ db, log, sessionIdleDays: settings.SESSION_IDLE_DAYS });
  const runningTurns = new RunningTurns({ db: leaseDb, log });
  opening.defer(() => runningTurns.close(0)); // its renewals would keep a server that cannot start from ending
  return {
    db,
    wallet,
    agent,
    log,
    database,
    runningTurns,
    watchedSessions,
    joinedReplies: new JoinedReplies({ db, watchedSessions }),
    queues: createSessionQueues(),
    knownKeys: new KnownKeys(db),
    limits: requestLimits(config),
    prices: {
      inputMsatPerKtoken: settings.PRICE_INPUT_MSAT_PER_KTOKEN,
      outputMsatPerKtoken: settings.PRICE_OUTPUT_MSAT_PER_KTOKEN,
    },
    modelTimeLimits: {
      silenceMs: settings.MODEL_SILENCE_SECONDS * 1000,
      totalMs: settings.MODEL_TOTAL_SECONDS * 1000,
    },
    agentName: settings.AGENT_NAME,
    sessionIdleDays: settings.SESSION_IDLE_DAYS,
    newSessionsPerMinute: settings.NEW_SESSIONS_PER_MINUTE,
    trustedProxies: settings.TRUST_PROXY,
    corsOrigins: settings.CORS_ORIGINS,
    page: await readPage(PAGE_DIRECTORY),
  };
}

async function findPostgres(
  { settings }: Config,
  log: Logger,
  opening: AsyncDisposableStack,
): Promise<{ url: string; database: string }> {
  if (settings.DATABASE_URL) {
    const { hostname, port, pathname } = new URL(settings.DATABASE_URL);
    return { url: settings.DATABASE_URL, database: `PostgreSQL at ${hostname}:${port || 5432}${pathname}` };
  }
  const embedded = await openOwnPostgres(log, `timmy-tower http://${settings.HOST}:${settings.PORT}`);
  opening.defer(() => embedded.stop());
  return { url: embedded.url(), database: `its own PostgreSQL, in ${embedded.dataDirectory}` };
}

/** @throws {AppError} `unavailable` when the port cannot be had */
async function listen(deps: Deps, { settings }: Config): Promise<Server> {
  const server = serveApp(createApp(deps), {
    port: settings.PORT,
    hostname: settings.HOST,
    log: deps.log,
  });
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { HOST, PORT } = settings;
    const setting = isHostsFault(cause) ? 'HOST' : 'PORT';
    throw new AppError('unavailable', `Cannot listen on ${HOST}:${PORT}. Set ${setting} to another one.`, { cause });
  }
  return server;
}

const isHostsFault = (error: unknown) =>
  error instanceof Error && 'code' in error && ['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'].includes(String(error.code));

/** Takes no more, ends what is only watched or awaited, lets running turns finish, and then lets go of whoever still holds a connection. */
async function stopServing(server: Server, { runningTurns, watchedSessions, joinedReplies }: Deps): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  watchedSessions.close();
  joinedReplies.close();
  await runningTurns.close(SHUTDOWN_MS);
  server.closeIdleConnections();
  const cutOff = setTimeout(() => server.closeAllConnections(), 1000);
  await closed;
  clearTimeout(cutOff);
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
