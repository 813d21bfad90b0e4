/** What a session's money did, and what a turn would do to it. */
import { createRoute } from '@hono/zod-openapi';
import { ledgerPageSchema, ledgerQuery, turnBody, turnEstimateSchema } from '@timmy-tower/contract';

import { estimate } from '../sessions/estimate-turn.ts';
import { getSession } from '../sessions/find-session.ts';
import { readLedger } from '../sessions/ledger.ts';
import { fewPerSecond, paidOnly, type RouteDeps, withCaller } from './admission.ts';
import { readableMessage } from './body.ts';
import { type App, problemsOf } from './http.ts';
import { inTurn } from './session-queued.ts';
import { security, sessionPath } from './sessions.ts';

const ESTIMATES_PER_SECOND = 3;

export function addAccountRoutes(app: App, deps: RouteDeps): void {
  addLedger(app, deps);
  addEstimate(app, deps);
}

function addLedger(app: App, deps: RouteDeps): void {
  const list = createRoute({
    method: 'get',
    path: '/sessions/{id}/ledger',
    operationId: 'listLedger',
    summary: 'What came in and what was charged, page by page, newest first',
    description: 'The balance is the sum of all entries.',
    tags: ['Sessions'],
    security,
    middleware: [withCaller(deps)] as const,
    request: { params: sessionPath, query: ledgerQuery },
    responses: {
      200: { description: 'One page', content: { 'application/json': { schema: ledgerPageSchema } } },
      ...problemsOf(401, 404, 422, 429, 503),
    },
  });
  app.openapi(list, async (context) => {
    const session = await getSession(deps, context.get('caller'));
    return context.json(await readLedger(deps, session.id, context.req.valid('query')), 200);
  });
}

function addEstimate(app: App, deps: RouteDeps): void {
  const limited = fewPerSecond(ESTIMATES_PER_SECOND, 'estimates');
  const show = createRoute({
    method: 'post',
    path: '/sessions/{id}/estimate',
    operationId: 'estimateTurn',
    summary: 'What a turn would hold, cost and show, without taking it',
    description:
      'The same body as a turn’s. Nothing is locked, stored or charged, and a turn that runs is not waited for. At most ' +
      `${ESTIMATES_PER_SECOND} a second of a session.`,
    tags: ['Conversation'],
    security,
    middleware: [withCaller(deps), paidOnly(deps), limited, inTurn(deps.queues.receiving, readableMessage)] as const,
    request: {
      params: sessionPath,
      body: { content: { 'application/json': { schema: turnBody(deps.limits) } }, required: true },
    },
    responses: {
      200: {
        description: 'The estimate, also of a turn that would be refused for want of balance',
        content: { 'application/json': { schema: turnEstimateSchema } },
      },
      ...problemsOf(400, 401, 402, 404, 410, 413, 422, 429, 503),
    },
  });
  app.openapi(show, async (context) =>
    context.json(await estimate(deps, context.get('caller'), context.req.valid('json')), 200),
  );
}
