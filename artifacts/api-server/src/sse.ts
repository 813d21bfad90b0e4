/**
 * Server-sent events, one event a write. A turn is `start`, `reasoning`… and `delta`…, then always `done` or `error`; a
 * session is `session` whenever it changed, and `error` where it ends before its reader left.
 */
import type { StreamEvent, TurnAnswer } from '@timmy-tower/contract';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

import type { Deps } from './deps.ts';
import { describeError } from './log.ts';
import { toProblem } from './problem.ts';
import { responseOf } from './routes/session-queued.ts';
import { finishTurn } from './sessions/finish-turn.ts';
import { ReplyReader, type ReplyReaderOptions } from './sessions/reply-reader.ts';
import { SessionReader, type SessionReaderOptions } from './sessions/session-reader.ts';
import type { BegunTurn } from './sessions/take-turn.ts';

const PING_MS = 15_000;

/** Streams a turn that was let in. The turn goes on when its reader leaves. */
export function streamTurn(context: Context, deps: Deps, turn: BegunTurn): Response {
  return streamEvents(context, async (send) => {
    const answer = await finishTurn(deps, turn, {
      onShown: (history) => send({ event: 'start', data: { requestId: turn.requestId, history } }),
      onReasoning: (text) => send({ event: 'reasoning', data: { text } }),
      onText: (text) => send({ event: 'delta', data: { text } }),
    });
    send({ event: 'done', data: answer });
  });
}

/** A finished turn once more, as a stream: what was thought on the way is not kept. */
export function streamReplay(context: Context, answer: TurnAnswer): Response {
  return streamEvents(context, async (send) => {
    send({ event: 'start', data: { requestId: answer.request.id, history: answer.history } });
    if (answer.reply?.content) send({ event: 'delta', data: { text: answer.reply.content } });
    send({ event: 'done', data: answer });
  });
}

/**
 * A session as it changes, until its reader leaves or the server stops.
 * @throws {AppError} `rate-limited` when too many sessions that are not paid are read
 */
export function streamSession(
  context: Context,
  { watchedSessions }: Pick<Deps, 'watchedSessions'>,
  options: Omit<SessionReaderOptions, 'response'>,
): Response {
  watchedSessions.admit(options.session, options.network);
  const reader = new SessionReader(watchedSessions, { ...options, response: responseOf(context) });
  return streamTo(context, reader);
}

/**
 * A reply that is being said, on whichever server, or that was: what there is of it, then the rest, then its end.
 * @throws {AppError} `unavailable` when too many are read
 */
export function streamReply(
  context: Context,
  { joinedReplies }: Pick<Deps, 'joinedReplies'>,
  options: Omit<ReplyReaderOptions, 'response'>,
): Response {
  joinedReplies.admit();
  return streamTo(context, new ReplyReader(joinedReplies, { ...options, response: responseOf(context) }));
}

function streamTo(context: Context, reader: SessionReader): Response {
  // Nothing is asked for before somebody reads.
  const body = new ReadableStream(reader, { highWaterMark: 0 });
  return context.body(body, 200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
}

type Send = (event: StreamEvent) => void;

function streamEvents(context: Context, run: (send: Send) => Promise<void>): Response {
  const log = context.get('log');
  // Asks proxies not to hold the stream back.
  context.header('X-Accel-Buffering', 'no');
  const response = streamSSE(context, async (stream) => {
    // Writes wait for a slow reader; the turn does not. What is queued is bounded by the length of a reply.
    let written: Promise<unknown> = Promise.resolve();
    let queued = 0;
    const queue = (write: () => Promise<unknown>) => {
      queued += 1;
      written = written.then(write).then(() => (queued -= 1));
    };
    const send: Send = ({ event, data }) => {
      queue(() => stream.writeSSE({ event, data: JSON.stringify(data) }));
    };
    const ping = setInterval(() => {
      if (queued === 0) queue(() => stream.write(': ping\n\n'));
    }, PING_MS);
    try {
      await run(send);
    } catch (error) {
      log.error({ error: describeError(error) }, 'a stream failed');
      send({ event: 'error', data: toProblem(error) });
    } finally {
      clearInterval(ping);
    }
    await written;
  });
  // Hono says `chunked`, whatever was asked with: Node knows that HTTP/1.0 is sent bare bytes, closed at their end.
  response.headers.delete('transfer-encoding');
  return response;
}
