/**
 * Who is let in, before anything is done that costs: callers who are not known to have paid are counted by their address, and
 * all of them together. Who has paid is not, whatever others at the same address do.
 */
import { AppError } from '@timmy-tower/contract';
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

import type { Deps } from '../deps.ts';
import { sessionNotFound } from '../sessions/session-not-found.ts';
import { paymentRequired } from '../sessions/refuse-turn.ts';
import { parseSessionKey } from '../sessions/session-key.ts';
import type { AddressOf } from './client-address.ts';
import type { AppEnv } from './http.ts';
import { NO_KEY, readSessionKey, twoKeys } from './session-key-header.ts';

const MINUTE_SECONDS = 60;
/** A page that waits for its payment makes some ten calls a minute; opening a session costs far more than a call. */
const CALLS_PER_NEW_SESSION = 20;
/** All addresses together: what the server spends on those who have not paid. */
const ADDRESSES_AT_FULL_RATE = 100;

/** What the routes work with. */
export interface RouteDeps extends Deps {
  readonly addressOf: AddressOf;
  readonly admission: Admission;
}

/** Counts a call that nobody has paid for. @throws {AppError} `rate-limited` */
export type Count = (context: Context) => Promise<void>;

function countPerMinute(perAddress: number, what: string, addressOf: AddressOf): Count {
  const byAddress = new RateLimiterMemory({ points: perAddress, duration: MINUTE_SECONDS });
  const together = new RateLimiterMemory({ points: perAddress * ADDRESSES_AT_FULL_RATE, duration: MINUTE_SECONDS });
  return async (context) => {
    try {
      await byAddress.consume(addressOf(context));
      await together.consume('all');
    } catch (refused) {
      throw tooManyCalls(refused, `${what} from this address`);
    }
  };
}

/** What a limiter threw, as an answer. */
function tooManyCalls(refused: unknown, what: string): unknown {
  if (!(refused instanceof RateLimiterRes)) return refused;
  const retryAfterSeconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1000));
  return new AppError('rate-limited', `Too many ${what}: try again in ${retryAfterSeconds} s.`, {
    fields: { retryAfterSeconds },
  });
}

export interface Admission {
  readonly countNewSession: Count;
  readonly countStranger: Count;
}

export function createAdmission(newSessionsPerMinute: number, addressOf: AddressOf): Admission {
  const callsPerMinute = newSessionsPerMinute * CALLS_PER_NEW_SESSION;
  return {
    countNewSession: countPerMinute(newSessionsPerMinute, 'new sessions', addressOf),
    countStranger: countPerMinute(callsPerMinute, 'calls without a paid session', addressOf),
  };
}

export const counted = (count: Count) =>
  createMiddleware<AppEnv>(async (context, next) => {
    await count(context);
    await next();
  });

/**
 * Counts the calls of a paid session. What is counted is forgotten a second later, so no more is kept than was asked in one.
 * @throws {AppError} `rate-limited`
 */
export function fewPerSecond(calls: number, what: string) {
  const ofSession = new RateLimiterMemory({ points: calls, duration: 1 });
  return createMiddleware<AppEnv>(async (context, next) => {
    try {
      await ofSession.consume(context.get('caller').sessionId);
    } catch (refused) {
      throw tooManyCalls(refused, `${what} of this session`);
    }
    await next();
  });
}

/**
 * Who calls, by the session key in a header, and whether its session was ever paid.
 * @throws {AppError} `unauthorized` without a key, `not-found` with one that opens no session or not this one: nobody learns
 * which; `malformed-request` with two; `rate-limited` when too many calls of this address came without a paid session
 */
export const withCaller = ({ knownKeys, admission }: Pick<RouteDeps, 'knownKeys' | 'admission'>) =>
  createMiddleware<AppEnv>(async (context, next) => {
    const { key, isAmbiguous } = readSessionKey(context);
    const caller = key === undefined || isAmbiguous ? undefined : parseSessionKey(key);
    const fits = caller?.sessionId === context.req.param('id')?.toLowerCase();
    const standing = caller && fits ? await knownKeys.standingOf(caller) : 'unknown';
    if (standing !== 'paid') await admission.countStranger(context);
    if (isAmbiguous) throw twoKeys();
    if (key === undefined) throw new AppError('unauthorized', NO_KEY);
    if (!caller || standing === 'unknown') throw sessionNotFound();
    context.set('caller', caller);
    context.set('isPaid', standing === 'paid');
    await next();
  });

/**
 * Nothing is read of a turn whose session was never paid.
 * @throws {AppError} `payment-required` with an invoice
 */
export const paidOnly = (deps: Deps) =>
  createMiddleware<AppEnv>(async (context, next) => {
    if (!context.get('isPaid')) throw await paymentRequired(deps, context.get('caller'));
    await next();
  });
