import { createRoute } from '@hono/zod-openapi';
import { messagesPageSchema, messagesQuery } from '@timmy-tower/contract';

import { getSession } from '../sessions/find-session.ts';
import { forgetConversation, readMessages } from '../sessions/messages.ts';
import { type RouteDeps, withCaller } from './admission.ts';
import { type App, problemsOf } from './http.ts';
import { untilTaken } from './session-queued.ts';
import { security, sessionPath } from './sessions.ts';

export function addMessageRoutes(app: App, deps: RouteDeps): void {
  const list = createRoute({
    method: 'get',
    path: '/sessions/{id}/messages',
    operationId: 'listMessages',
    summary: 'The conversation, page by page',
    tags: ['Conversation'],
    security,
    middleware: [withCaller(deps), untilTaken(deps.queues.sending)] as const,
    request: { params: sessionPath, query: messagesQuery },
    responses: {
      200: { description: 'One page', content: { 'application/json': { schema: messagesPageSchema } } },
      ...problemsOf(401, 404, 422, 429, 503),
    },
  });
  app.openapi(list, async (context) => {
    const session = await getSession(deps, context.get('caller'));
    return context.json(await readMessages(deps, session.id, context.req.valid('query')), 200);
  });

  const forget = createRoute({
    method: 'delete',
    path: '/sessions/{id}/messages',
    operationId: 'forgetMessages',
    summary: 'Forget the conversation; the balance and the charges stay',
    tags: ['Conversation'],
    security,
    middleware: [withCaller(deps)] as const,
    request: { params: sessionPath },
    responses: { 204: { description: 'Forgotten' }, ...problemsOf(401, 404, 409, 429, 503) },
  });
  app.openapi(forget, async (context) => {
    const session = await getSession(deps, context.get('caller'));
    await forgetConversation(deps, session.id);
    return context.body(null, 204);
  });
}
