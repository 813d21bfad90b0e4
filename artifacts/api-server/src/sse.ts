/** A turn as server-sent events: `start`, `delta`…, then always `done` or `error`. One event, one write. */
import type { StreamEvent, TurnAnswer } from '@timmy-tower/contract';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

import type { Deps } from './deps.ts';
import { describeError } from './log.ts';
import { toProblem } from './problem.ts';
import { type BegunTurn, finishTurn } from './sessions/take-turn.ts';

const PING_MS = 15_000;

/** Streams a turn that was let in. The turn goes on when its reader leaves. */
export function streamTurn(context: Context, deps: Deps, turn: BegunTurn): Response {
  return streamEvents(context, async (send) => {
    send({ event: 'start', data: { requestId: turn.requestId, history: turn.reserved.shown } });
    const answer = await finishTurn(deps, turn, (text) => send({ event: 'delta', data: { text } }));
    send({ event: 'done', data: answer });
  });
}

/** A finished turn once more, as a stream. */
export function streamReplay(context: Context, answer: TurnAnswer): Response {
  return streamEvents(context, async (send) => {
    send({ event: 'start', data: { requestId: answer.request.id, history: answer.history } });
    if (answer.reply) send({ event: 'delta', data: { text: answer.reply.content } });
    send({ event: 'done', data: answer });
  });
}

function streamEvents(context: Context, run: (send: (event: StreamEvent) => void) => Promise<void>): Response {
  const log = context.get('log');
  // Asks proxies not to hold the stream back.
  context.header('X-Accel-Buffering', 'no');
  return streamSSE(context, async (stream) => {
    // Writes wait for a slow reader; the turn does not. What is queued is bounded by the length of a reply.
    let written: Promise<unknown> = Promise.resolve();
    const send = ({ event, data }: StreamEvent) => {
      written = written.then(() => stream.writeSSE({ event, data: JSON.stringify(data) }));
    };
    const ping = setInterval(() => {
      written = written.then(() => stream.write(': ping\n\n'));
    }, PING_MS);
    try {
      await run(send);
    } catch (error) {
      log.error({ error: describeError(error) }, 'a streamed turn failed');
      send({ event: 'error', data: toProblem(error) });
    } finally {
      clearInterval(ping);
    }
    await written;
  });
}
