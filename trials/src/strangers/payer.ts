/**
 * Those who pay, and take turn after turn over connections that are kept. A turn is due at a fixed pace, and its time counts
 * from there: a server that stands still makes all that are due meanwhile wait, not one of them alone.
 */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import type { KnownSession } from '../journal.ts';

const EVERY_MS = 50;
const PATIENCE_MS = 60_000;
const BODY = JSON.stringify({ content: 'How do I brew coffee?', maxOutputTokens: 20 });

export interface PayerTurn {
  /** 0: the connection broke, or nothing came for a minute. */
  readonly status: number;
  readonly ms: number;
}

/** Takes so many turns, or until told to stop, in whichever session is free. */
export async function takeTurns(
  url: string,
  sessions: readonly KnownSession[],
  { stopped = () => false, most = Infinity }: { stopped?: () => boolean; most?: number },
): Promise<PayerTurn[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: sessions.length });
  const turns: PayerTurn[] = [];
  const beganAtMs = performance.now();
  let begun = 0;
  const work = async (session: KnownSession) => {
    while (begun < most && !stopped()) {
      const dueAtMs = beganAtMs + begun * EVERY_MS;
      begun += 1;
      await delay(Math.max(0, dueAtMs - performance.now()));
      const status = await takeTurn(agent, url, session);
      turns.push({ status, ms: performance.now() - dueAtMs });
    }
  };
  await Promise.all(sessions.map(work));
  agent.destroy();
  return turns;
}

function takeTurn(agent: Agent, url: string, { id, key }: KnownSession): Promise<number> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const options = { agent, method: 'POST', headers, signal: AbortSignal.timeout(PATIENCE_MS) };
    const outgoing = request(`${url}/sessions/${id}/request`, options, (response) => {
      response.resume();
      response.once('close', () => resolve(response.complete ? (response.statusCode ?? 0) : 0));
    });
    outgoing.once('error', () => resolve(0));
    outgoing.end(BODY);
  });
}

/** The value that so much of them does not exceed. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
