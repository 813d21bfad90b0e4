import { createRoute, z } from '@hono/zod-openapi';
import {
  AppError,
  idempotencyKeyHeader,
  streamEventSchema,
  type TurnAnswer,
  turnBody,
  turnSchema,
} from '@timmy-tower/contract';
import type { Context, TypedResponse } from 'hono';

import { cancelRequest } from '../sessions/cancel-request.ts';
import { getRequest } from '../sessions/find-request.ts';
import { getSession } from '../sessions/find-session.ts';
import { finishTurn } from '../sessions/finish-turn.ts';
import { findReply } from '../sessions/join-reply.ts';
import { findKnownTurn } from '../sessions/known-turn.ts';
import { beginTurn } from '../sessions/take-turn.ts';
import { MOST_READERS, MOST_READERS_OF_KEY } from '../sessions/watched-session.ts';
import { streamReplay, streamReply, streamTurn } from '../sse.ts';
import { paidOnly, type RouteDeps, withCaller } from './admission.ts';
import { readableMessage } from './body.ts';
import { type App, type AppEnv, problemsOf, replayedHeader, tellReplayed } from './http.ts';
import { type AskedAgain, unlessKnown } from './known-again.ts';
import { inTurn } from './session-queued.ts';
import { security, sessionPath } from './sessions.ts';

const requestPath = sessionPath.extend({
  requestId: z.string().meta({ description: 'The request’s id', format: 'uuid' }),
});
const turnContent = { 'application/json': { schema: turnSchema } };
const turnHeaders = z.object({
  'idempotency-key': idempotencyKeyHeader.optional().meta({
    description: 'The same key again gives the stored answer, without a second charge',
  }),
});

export function addRequestRoutes(app: App, deps: RouteDeps): void {
  addTake(app, deps);
  addShowAndCancel(app, deps);
}

function addTake(app: App, deps: RouteDeps): void {
  const take = createRoute({
    method: 'post',
    path: '/sessions/{id}/request',
    operationId: 'takeTurn',
    summary: 'Say something to Timmy: one turn, one charge',
    description:
      'With `Accept: text/event-stream` the reply streams: `start`, then `reasoning`… and `delta`… as they come, then ' +
      '`done` or `error`: the events of the schema `TurnEvent`. Reasoning is what a model thinks before it speaks: it is no part of the reply, is not stored, and ' +
      'is not shown to the model again. It streams to the caller who asked, and only this once: a replay has none.',
    tags: ['Conversation'],
    security,
    middleware: [withCaller(deps), paidOnly(deps), inTurn(deps.queues.receiving, readableMessage)] as const,
    request: {
      params: sessionPath,
      headers: turnHeaders,
      body: { content: { 'application/json': { schema: turnBody(deps.limits) } }, required: true },
    },
    responses: {
      200: {
        description: 'The reply, what it cost, and what the model was shown',
        content: turnContent,
        headers: replayedHeader,
        'x-event-stream': { $ref: '#/components/schemas/TurnEvent' },
      },
      ...problemsOf(400, 401, 402, 404, 409, 410, 413, 422, 429, 502, 503),
    },
  });
  app.openAPIRegistry.register('TurnEvent', z.discriminatedUnion('event', streamEventSchema.options));
  app.openapi(
    take,
    async (context) => {
      const turn = await beginTurn(deps, {
        caller: context.get('caller'),
        body: context.req.valid('json'),
        idempotencyKey: context.req.valid('header')['idempotency-key'],
      });
      if (turn.kind === 'replay') return asDocumented(answerReplay(context, turn.answer));
      if (asksForStream(context)) return asDocumented(streamTurn(context, deps, turn));
      return context.json(await finishTurn(deps, turn), 200);
    },
    unlessKnown(answerKnownTurn(deps)),
  );
}

function addShowAndCancel(app: App, deps: RouteDeps): void {
  const show = createRoute({
    method: 'get',
    path: '/sessions/{id}/requests/{requestId}',
    operationId: 'getRequest',
    summary: 'A request, in whatever state; as a stream, what was said of its reply so far, then the rest',
    description:
      'With `Accept: text/event-stream` its reply is joined: `start`, one `delta` with all that was said so far, `delta`… as they ' +
      'come, then what the turn itself ends with, `done` or `error`: the events of the schema `TurnEvent`, without `reasoning`. ' +
      'One that another server runs comes whole at its end; one that has ended, at once; one that failed ends with `error`. ' +
      `Leaving ends nothing but the stream. ${MOST_READERS_OF_KEY} read at once with a key, ${MOST_READERS} of a session: one more ` +
      'ends the oldest (`too-many-readers`). A stream that is not taken is cut.',
    tags: ['Conversation'],
    security,
    middleware: [withCaller(deps)] as const,
    request: { params: requestPath },
    responses: {
      200: {
        description: 'The request',
        content: turnContent,
        'x-event-stream': { $ref: '#/components/schemas/TurnEvent' },
      },
      ...problemsOf(401, 404, 429, 503),
    },
  });
  app.openapi(show, async (context) => {
    const caller = context.get('caller');
    const session = await getSession(deps, caller);
    const requestId = parseRequestId(context.req.valid('param').requestId);
    if (asksForStream(context)) {
      const open = await findReply(deps, session, requestId);
      const network = deps.addressOf(context);
      return asDocumented(streamReply(context, deps, { session, keyHash: caller.keyHash, network, open }));
    }
    return context.json(await getRequest(deps, { sessionId: session.id, requestId }), 200);
  });

  const cancel = createRoute({
    method: 'post',
    path: '/sessions/{id}/requests/{requestId}/cancel',
    operationId: 'cancelRequest',
    summary: 'Stop a running request; what was said so far is kept and charged by what it used',
    tags: ['Conversation'],
    security,
    middleware: [withCaller(deps)] as const,
    request: { params: requestPath },
    responses: { 200: { description: 'The request, ended', content: turnContent }, ...problemsOf(401, 404, 429, 503) },
  });
  app.openapi(cancel, async (context) => {
    const session = await getSession(deps, context.get('caller'));
    const requestId = parseRequestId(context.req.valid('param').requestId);
    return context.json(await cancelRequest(deps, { sessionId: session.id, requestId }), 200);
  });
}

const asksForStream = ({ req }: Context) => /\btext\/event-stream\b/i.test(req.header('accept') ?? '');

/**
 * A stream is no content of the documented answer: a generated client would be told that any answer may be one of its events.
 * They are the schema `TurnEvent`.
 */
const asDocumented = (response: Response) =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  response as unknown as TypedResponse<never, 200, 'json'>;

function answerReplay(context: Context, answer: TurnAnswer): Response {
  tellReplayed(context);
  return asksForStream(context) ? streamReplay(context, answer) : context.json(answer, 200);
}

const answerKnownTurn = (deps: RouteDeps) => async (context: Context<AppEnv>, asked: AskedAgain) => {
  const answer = await findKnownTurn(deps, { sessionId: context.get('caller').sessionId, ...asked });
  return answer && asDocumented(answerReplay(context, answer));
};

function parseRequestId(text: string): string {
  const id = z.uuid().safeParse(text);
  if (!id.success) throw new AppError('not-found', 'This session has no such request: a request’s id is a UUID.');
  return id.data.toLowerCase();
}
