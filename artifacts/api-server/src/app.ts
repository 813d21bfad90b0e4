/** The whole HTTP surface, over the use cases in `sessions/`. */
import { randomUUID } from 'node:crypto';

import { OpenAPIHono } from '@hono/zod-openapi';
import { SimulatedWallet } from '@timmy-tower/lightning';
import { createMiddleware } from 'hono/factory';
import { secureHeaders } from 'hono/secure-headers';

import type { Deps } from './deps.ts';
import { invalidRequest, problemResponse } from './problem.ts';
import { addAccountRoutes } from './routes/account.ts';
import { createAdmission } from './routes/admission.ts';
import { createAddressOf } from './routes/client-address.ts';
import { createCors } from './routes/cors.ts';
import { addDevWalletRoutes } from './routes/dev-wallet.ts';
import { addDocsRoutes } from './routes/docs.ts';
import type { App, AppEnv } from './routes/http.ts';
import { createUnknownPath } from './routes/known-methods.ts';
import { addMessageRoutes } from './routes/messages.ts';
import { addOperationRoutes } from './routes/operations.ts';
import { addPageRoutes } from './routes/page.ts';
import { addRequestRoutes } from './routes/requests.ts';
import { addSessionRoutes } from './routes/sessions.ts';

export function createApp(deps: Deps): App {
  const app = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest(result.error);
    },
  });
  app.use(logRequests(deps.log));
  // What a proxy speaks to the world is the proxy's to say, and not for the neighbours of its name.
  app.use(secureHeaders({ strictTransportSecurity: false }));
  const cors = createCors(deps.corsOrigins);
  if (cors) app.use(cors);
  app.use('/sessions/*', neverCached);
  app.onError((error, context) => problemResponse(context, error));
  const addressOf = createAddressOf(deps);
  const routeDeps = { ...deps, addressOf, admission: createAdmission(deps.newSessionsPerMinute, addressOf) };
  addSessionRoutes(app, routeDeps);
  addRequestRoutes(app, routeDeps);
  addMessageRoutes(app, routeDeps);
  addAccountRoutes(app, routeDeps);
  addOperationRoutes(app, deps);
  if (deps.wallet instanceof SimulatedWallet) addDevWalletRoutes(app, routeDeps, deps.wallet);
  addDocsRoutes(app);
  addPageRoutes(app, deps.page);
  const unknownPath = createUnknownPath(app);
  app.notFound((context) => problemResponse(context, unknownPath(context.req.path)));
  return app;
}

/**
 * One line a request, with an id that the caller sees too. Neither bodies nor headers nor the query are logged, nor a key
 * that somebody put in the path.
 */
const logRequests = (log: Deps['log']) =>
  createMiddleware<AppEnv>(async (context, next) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    context.set('log', log.child({ httpRequestId: requestId }));
    context.header('X-Request-Id', requestId);
    await next();
    const { method } = context.req;
    const path = context.req.path.replaceAll(/tt_[\w-]+/gi, 'tt_…');
    const ms = Math.round(performance.now() - startedAt);
    context.get('log').info({ method, path, status: context.res.status, ms }, 'request');
  });

const neverCached = createMiddleware<AppEnv>(async (context, next) => {
  await next();
  context.header('Cache-Control', 'no-store');
});
