import { createRoute, z } from '@hono/zod-openapi';
import {
  depositBody,
  sessionEventSchema,
  sessionOpenedSchema,
  sessionSchema,
  topUpSchema,
} from '@timmy-tower/contract';

import { toSession } from '../sessions/answers.ts';
import { getSession } from '../sessions/find-session.ts';
import { topUpSession } from '../sessions/fund-session.ts';
import { openSession } from '../sessions/open-session.ts';
import { MOST_READERS, MOST_READERS_OF_KEY } from '../sessions/watched-session.ts';
import { streamSession } from '../sse.ts';
import { counted, type RouteDeps, withCaller } from './admission.ts';
import { type App, problemsOf, readableJson } from './http.ts';

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });
export const sessionPath = z.object({ id: z.string().meta({ description: 'The session’s id', format: 'uuid' }) });
export const security = [{ sessionKey: [] }];

export function addSessionRoutes(app: App, deps: RouteDeps): void {
  const deposit = { body: { content: json(depositBody(deps.limits)), required: true } };

  const open = createRoute({
    method: 'post',
    path: '/sessions',
    summary: 'Open a session, and get its key and an invoice',
    tags: ['Sessions'],
    middleware: [counted(deps.admission.countNewSession), readableJson] as const,
    request: deposit,
    responses: {
      201: { description: 'Pay the invoice to fund it', content: json(sessionOpenedSchema) },
      ...problemsOf(400, 413, 422, 429, 503),
    },
  });
  app.openapi(open, async (context) => context.json(await openSession(deps, context.req.valid('json')), 201));

  const show = createRoute({
    method: 'get',
    path: '/sessions/{id}',
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

  const watch = createRoute({
    method: 'get',
    path: '/sessions/{id}/events',
    summary: 'The session as it changes: server-sent events',
    description:
      'A `session` event at once, and one within half a second whenever status, balance, hold or invoice changed; `: ping` ' +
      'comments. It ends with `error` when the session is gone (`not-found`), or when newer streams took its place ' +
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

  const topUp = createRoute({
    method: 'post',
    path: '/sessions/{id}/topup',
    summary: 'An invoice that adds to the balance',
    tags: ['Sessions'],
    security,
    middleware: [withCaller(deps), readableJson] as const,
    request: { params: sessionPath, ...deposit },
    responses: {
      201: { description: 'Pay it to add to the balance', content: json(topUpSchema) },
      ...problemsOf(400, 401, 404, 410, 413, 422, 429, 503),
    },
  });
  app.openapi(topUp, async (context) =>
    context.json(await topUpSession(deps, context.get('caller'), context.req.valid('json')), 201),
  );
}
