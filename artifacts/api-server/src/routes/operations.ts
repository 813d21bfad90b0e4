import { createRoute, z } from '@hono/zod-openapi';
import { AppError, msatToJson, type ServerInfo, serverInfoSchema } from '@timmy-tower/contract';
import { checkWritable } from '@timmy-tower/db';
import { SimulatedWallet } from '@timmy-tower/lightning';

import type { Deps } from '../deps.ts';

import { shareAnswer } from '../shared-answer.ts';
import { type App, problemsOf } from './http.ts';

const health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });
const readiness = z
  .object({
    status: z.literal('ok'),
    database: z.literal('ok'),
    wallet: z.enum(['ok', 'down']).meta({ description: 'Funded sessions work without it; new ones have to wait' }),
    walletName: z.string(),
    model: z.string(),
    agent: z
      .enum(['ok', 'out-of-order'])
      .meta({ description: 'Whether the model’s provider answers, as of the last turn' }),
    agentFault: z
      .string()
      .optional()
      .meta({ description: 'What the operator must act on: a status and the provider’s short code' }),
  })
  .meta({ id: 'Readiness' });

/** Anybody may ask; the database and the wallet are asked this often at most. */
const READINESS_MS = 1000;

export function addOperationRoutes(app: App, deps: Deps): void {
  const config = createRoute({
    method: 'get',
    path: '/config',
    operationId: 'getConfig',
    summary: 'Who answers here, at what price, and what may be deposited',
    tags: ['Operations'],
    responses: { 200: { description: 'What is set', content: { 'application/json': { schema: serverInfoSchema } } } },
  });
  app.openapi(config, (context) => context.json(serverInfo(deps), 200));

  const live = createRoute({
    method: 'get',
    path: '/healthz',
    operationId: 'getHealth',
    summary: 'Is the server alive',
    tags: ['Operations'],
    responses: { 200: { description: 'Alive', content: { 'application/json': { schema: health } } } },
  });
  app.openapi(live, (context) => context.json({ status: 'ok' as const }, 200));

  const ready = createRoute({
    method: 'get',
    path: '/readyz',
    operationId: 'getReadiness',
    summary: 'Can it serve: the database answers and can be written, it is not shutting down',
    tags: ['Operations'],
    responses: {
      200: { description: 'Ready', content: { 'application/json': { schema: readiness } } },
      ...problemsOf(503),
    },
  });
  const checkSoon = shareAnswer(READINESS_MS, async () => {
    const [wallet] = await Promise.all([isWalletUp(deps), checkWritable(deps.db)]);
    return wallet;
  });
  app.openapi(ready, async (context) => {
    if (deps.runningTurns.closing) throw new AppError('unavailable', 'This server is shutting down.');
    const wallet = await checkSoon();
    const { agent } = deps;
    const agentHealth = agent.health();
    return context.json(
      {
        status: 'ok' as const,
        database: 'ok' as const,
        wallet,
        walletName: deps.wallet.name,
        model: agent.model,
        agent: agentHealth.status,
        ...(agentHealth.status === 'ok' ? {} : { agentFault: agentHealth.code }),
      },
      200,
    );
  });
}

function serverInfo({ agent, agentName, wallet, limits, prices }: Deps): ServerInfo {
  return {
    agentName,
    model: agent.model,
    demo: agent.model === 'demo',
    walletName: wallet.name,
    simulated: wallet instanceof SimulatedWallet,
    minDepositSats: limits.minDepositSats,
    maxDepositSats: limits.maxDepositSats,
    maxOutputTokens: limits.maxOutputTokens,
    inputMsatPerKtoken: msatToJson(prices.inputMsatPerKtoken),
    outputMsatPerKtoken: msatToJson(prices.outputMsatPerKtoken),
    history: limits.history,
    historyLimit: limits.historyLimit,
  };
}

async function isWalletUp({ wallet }: Deps): Promise<'ok' | 'down'> {
  return wallet.checkHealth().then(
    () => 'ok',
    () => 'down',
  );
}
