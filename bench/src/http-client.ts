/** A client that keeps its connections, and costs little. */
import { Agent, request } from 'node:http';

import type { FundedSession } from './fill.ts';
import { QUESTION } from './product.ts';

export interface HttpClient extends Disposable {
  takeTurn(session: FundedSession): Promise<void>;
  /** The newest messages of a session, or the oldest. */
  readMessages(session: FundedSession, order: 'asc' | 'desc'): Promise<void>;
}

/** @param connections at most, kept open */
export function openHttpClient(url: string, connections: number): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const body = JSON.stringify({ content: QUESTION, history: { recallTokens: 0 } });
  const call = async (path: string, { key }: FundedSession, content?: string): Promise<void> => {
    const authorization = `Bearer ${key}`;
    const headers = content ? { authorization, 'content-type': 'application/json' } : { authorization };
    const answered = Promise.withResolvers<string>();
    const outgoing = request(`${url}${path}`, { agent, method: content ? 'POST' : 'GET', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        response.statusCode === 200
          ? answered.resolve(text)
          : answered.reject(new Error(`${response.statusCode}: ${text}`)),
      );
    });
    outgoing.on('error', answered.reject);
    outgoing.end(content);
    JSON.parse(await answered.promise);
  };
  return {
    takeTurn: (session) => call(`/sessions/${session.id}/request`, session, body),
    readMessages: (session, order) => call(`/sessions/${session.id}/messages?limit=50&order=${order}`, session),
    [Symbol.dispose]: () => agent.destroy(),
  };
}
