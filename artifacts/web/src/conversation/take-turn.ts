/** One turn over the wire, and what became of it in words that the conversation can act on. */
import type { Problem, ShownHistory, StreamEvent, TurnAnswer } from '@timmy-tower/contract';

import { ApiError, UnreachableError } from '../api/client.ts';
import { readServerEvents } from '../api/server-events.ts';
import type { SentMessage, SessionApi } from '../api/session-api.ts';
import { SilenceLimit } from '../api/silence-limit.ts';

export type TurnOutcome =
  | { readonly kind: 'done'; readonly answer: TurnAnswer }
  /**
   * The server did not say how it ended: look it up. `status`: what something else answered in its place, or 0. `requestId`: what
   * the server called it before it lost it.
   */
  | { readonly kind: 'lost'; readonly status: number; readonly requestId?: string | undefined }
  | { readonly kind: 'busy'; readonly requestId: string }
  | { readonly kind: 'unpaid' | 'failed'; readonly problem: Problem }
  | { readonly kind: 'gone' };

export interface TurnListener {
  readonly onStart: (start: { requestId: string; history: ShownHistory }) => void;
  readonly onText: (text: string) => void;
  readonly onReasoning: (text: string) => void;
}

export async function streamTurn(api: SessionApi, message: SentMessage, listener: TurnListener): Promise<TurnOutcome> {
  const silence = new SilenceLimit();
  try {
    const body = await api.turn(message, silence.signal);
    silence.heard();
    return await readTurn(readServerEvents(body, silence.heard), listener);
  } catch (error) {
    if (error instanceof ApiError) return outcomeOf(error.problem);
    return { kind: 'lost', status: error instanceof UnreachableError ? error.status : 0 };
  } finally {
    silence.end();
  }
}

async function readTurn(events: ReturnType<typeof readServerEvents>, listener: TurnListener): Promise<TurnOutcome> {
  for await (const { event, data } of events) {
    const said = { event, data: JSON.parse(data) } as StreamEvent;
    if (said.event === 'start') listener.onStart(said.data);
    else if (said.event === 'delta') listener.onText(said.data.text);
    else if (said.event === 'reasoning') listener.onReasoning(said.data.text);
    else if (said.event === 'done') return { kind: 'done', answer: said.data };
    else if (said.event === 'error') return outcomeOfBroken(said.data);
  }
  return { kind: 'lost', status: 0 };
}

/**
 * The model's failures say that nothing was charged; of any other, half-way, the request itself tells how it ended. It may come
 * before the turn was said to have started.
 */
function outcomeOfBroken(problem: Problem): TurnOutcome {
  if (problem.code?.startsWith('agent-')) return { kind: 'failed', problem };
  return { kind: 'lost', status: problem.status, requestId: problem.requestId };
}

function outcomeOf(problem: Problem): TurnOutcome {
  const { code, requestId } = problem;
  if (code === 'conversation-busy' && requestId) return { kind: 'busy', requestId };
  // An expired session is closed too: any payment revives it.
  const isUnpaid = code === 'insufficient-balance' || code === 'payment-required' || code === 'session-closed';
  if (isUnpaid) return { kind: 'unpaid', problem };
  return code === 'not-found' ? { kind: 'gone' } : { kind: 'failed', problem };
}
