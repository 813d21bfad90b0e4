/** One turn over the wire, and what became of it in words that the conversation can act on. */
import type { Problem, ShownHistory, StreamEvent, TurnAnswer } from '@timmy-tower/contract';

import { ApiError } from '../api/client.ts';
import { readServerEvents } from '../api/server-events.ts';
import type { SessionApi } from '../api/session-api.ts';

export type TurnOutcome =
  | { readonly kind: 'done'; readonly answer: TurnAnswer }
  /** Nobody said how it ended: look it up. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'busy'; readonly requestId: string }
  | { readonly kind: 'unpaid' | 'failed'; readonly problem: Problem }
  | { readonly kind: 'gone' };

export interface TurnListener {
  readonly onStart: (start: { requestId: string; history: ShownHistory }) => void;
  readonly onText: (text: string) => void;
  readonly onReasoning: (text: string) => void;
}

export async function streamTurn(
  api: SessionApi,
  { content, idempotencyKey }: { content: string; idempotencyKey: string },
  listener: TurnListener,
): Promise<TurnOutcome> {
  try {
    const response = await api.turn({ content, idempotencyKey });
    return response.body ? await readTurn(response.body, listener) : { kind: 'lost' };
  } catch (error) {
    return error instanceof ApiError ? outcomeOf(error.problem) : { kind: 'lost' };
  }
}

async function readTurn(body: ReadableStream<Uint8Array>, listener: TurnListener): Promise<TurnOutcome> {
  for await (const { event, data } of readServerEvents(body)) {
    const said = { event, data: JSON.parse(data) } as StreamEvent;
    if (said.event === 'start') listener.onStart(said.data);
    else if (said.event === 'delta') listener.onText(said.data.text);
    else if (said.event === 'reasoning') listener.onReasoning(said.data.text);
    else if (said.event === 'done') return { kind: 'done', answer: said.data };
    else if (said.event === 'error') return { kind: 'failed', problem: said.data };
  }
  return { kind: 'lost' };
}

function outcomeOf(problem: Problem): TurnOutcome {
  if (problem.code === 'conversation-busy' && problem.requestId) return { kind: 'busy', requestId: problem.requestId };
  if (problem.code === 'insufficient-balance' || problem.code === 'payment-required')
    return { kind: 'unpaid', problem };
  // Expired: any payment revives it.
  if (problem.status === 410) return { kind: 'unpaid', problem };
  if (problem.status === 404) return { kind: 'gone' };
  return { kind: 'failed', problem };
}
