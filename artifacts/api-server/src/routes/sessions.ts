import { createRoute, z } from '@hono/zod-openapi';
import {
  depositBody,
  idempotencyKeyHeader,
  sessionEventSchema,
  sessionOpenedSchema,
  sessionSchema,
  topUpSchema,
} from '@timmy-tower/contract';

import type { Context } from 'hono';

import { toSession } from '../sessions/answers.ts';
import { getSession } from '../sessions/find-session.ts';
import { findKnownTopUp, topUpSession } from '../sessions/fund-session.ts';
import { openSession } from '../sessions/open-session.ts';
import { MOST_READERS, MOST_READERS_OF_KEY } from '../sessions/watched-session.ts';
import { streamSession } from '../sse.ts';
import { counted, type RouteDeps, withCaller } from './admission.ts';
import { readableJson } from './body.ts';
import { type App, type AppEnv, problemsOf, replayedHeader, tellReplayed } from './http.ts';
import { type AskedAgain, unlessKnown } from './known-again.ts';

const topUpHeaders = z.object({
  'idempotency-key': idempotencyKeyHeader.optional().meta({
    description: 'The same key again gives the same invoice, paid or not; with another amount it is refused',
  }),
});
/** Whatever an operator may have allowed once. */
const anyDeposit = depositBody({ minDepositSats: 1, maxDepositSats: Number.MAX_SAFE_INTEGER });
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });
export const sessionPath = z.object({ id: z.string().meta({ description: 'The session’s id', format: 'uuid' }) });
/** Either will do. */
export const security = [{ sessionKey: [] }, { sessionKeyHeader: [] }];

export function addSessionRoutes(app: App, deps: RouteDeps): void {
  const deposit = { body: { content: json(depositBody(deps.limits)), required: true } };
  addOpen(app, deps, deposit);
  addShow(app, deps);
  addWatch(app, deps);
  addTopUp(app, deps, deposit);
}

interface Deposit {
  readonly body: {
    readonly content: { readonly 'application/json': { readonly schema: ReturnType<typeof depositBody> } };
    readonly required: boolean;
  };
}

function addOpen(app: App, deps: RouteDeps, deposit: Deposit): void {
  const open = createRoute({
    method: 'post',
    path: '/sessions',
    operationId: 'openSession',
    summary: 'Open a session, and get its key and an invoice',
    description:
      'An `Idempotency-Key` has no effect here: the key of the session is stored only as a hash and could not be shown ' +
      'again, and a session that nobody pays costs nothing and goes away.',
    tags: ['Sessions'],
    middleware: [counted(deps.admission.countNewSession), readableJson] as const,
    request: deposit,
    responses: {
      201: { description: 'Pay the invoice to fund it', content: json(sessionOpenedSchema) },
      ...problemsOf(400, 413, 422, 429, 503),
    },
  });
  app.openapi(open, async (context) => context.json(await openSession(deps, context.req.valid('json')), 201));
}

function addShow(app: App, deps: RouteDeps): void {
  const show = createRoute({
    method: 'get',
    path: '/sessions/{id}',
    operationId: 'getSession',
    summary: 'A session’s status and balance',
    tags: ['Sessions'],
    security,
    middleware: [withCaller(deps)] as const,
    request: { params: sessionPath },
    responses: { 200: { description: 'The session', content: json(sessionSchema) }, ...problemsOf(401, 404, 429, 503) },
  });
  app.openapi(show, async (context) => {
    const session = await getSession(deps, context.get('caller'));
    return context.json(toSession(session, deps.sessionIdleDays), 200);
  });
}

function addWatch(app: App, deps: RouteDeps): void {
  const watch = createRoute({
    method: 'get',
    path: '/sessions/{id}/events',
    operationId: 'watchSession',
    summary: 'The session as it changes: server-sent events',
    description:
      'A `session` event at once, and one within half a second whenever status, balance, hold or invoice changed; a ' +
      '`messages` event whenever messages were said or forgotten, by whomever; `: ping` comments. It ends with `error` when the session is gone (`not-found`), or when newer streams took its place ' +
      `(\`too-many-readers\`: ${MOST_READERS_OF_KEY} at once for a key, ${MOST_READERS} for a session); ask \`GET ` +
      '/sessions/{id}` every few seconds then. The key is checked when it begins. A stream that is not taken is cut.',
    tags: ['Sessions'],
    security,
    middleware: [withCaller(deps)] as const,
    request: { params: sessionPath },
    responses: {
      200: { description: 'Until the client leaves', content: { 'text/event-stream': { schema: sessionEventSchema } } },
      ...problemsOf(401, 404, 429, 503),
    },
  });
  app.openapi(watch, async (context) => {
    const caller = context.get('caller');
    const session = await getSession(deps, caller);
    const network = deps.addressOf(context);
    return streamSession(context, deps, { session, keyHash: caller.keyHash, network });
  });
}

function addTopUp(app: App, deps: RouteDeps, deposit: Deposit): void {
  const topUp = createRoute({
    method: 'post',
    path: '/sessions/{id}/topup',
    operationId: 'topUpSession',
    summary: 'An invoice that adds to the balance',
    tags: ['Sessions'],
    security,
    middleware: [withCaller(deps), readableJson] as const,
    request: { params: sessionPath, headers: topUpHeaders, ...deposit },
    responses: {
      201: { description: 'Pay it to add to the balance', content: json(topUpSchema), headers: replayedHeader },
      ...problemsOf(400, 401, 404, 410, 413, 422, 429, 503),
    },
  });
  app.openapi(
    topUp,
    async (context) => {
      const asked = { ...context.req.valid('json'), idempotencyKey: context.req.valid('header')['idempotency-key'] };
      const { answer, isReplay } = await topUpSession(deps, context.get('caller'), asked);
      if (isReplay) tellReplayed(context);
      return context.json(answer, 201);
    },
    unlessKnown(answerKnownTopUp(deps)),
  );
}

const answerKnownTopUp =
  (deps: RouteDeps) =>
  async (context: Context<AppEnv>, { idempotencyKey, body }: AskedAgain) => {
    const asked = anyDeposit.safeParse(body);
    if (!asked.success) return undefined;
    const known = await findKnownTopUp(deps, context.get('caller').sessionId, { ...asked.data, idempotencyKey });
    if (known) tellReplayed(context);
    return known && context.json(known.answer, 201);
  };
