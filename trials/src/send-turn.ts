/** Sends one turn, notes in the journal what came of it, and reports an answer that contradicts an earlier one. */
import type { Problem, TurnAnswer } from '@timmy-tower/contract';

import { CUT, call, readEvents, send } from './http.ts';
import { isSameAnswer, type KnownSession, mayBeForgotten, type Turn } from './journal.ts';
import type { Scene } from './scene.ts';
import type { ServerProcess } from './server-process.ts';

export interface SendOptions {
  readonly server: ServerProcess;
  readonly streamed: boolean;
  /** Go away after so many words of a stream. */
  readonly leaveAfterWords?: number | undefined;
  readonly onStart?: (requestId: string) => void;
}

type Outcome =
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'none' };

export async function sendTurn(
  scene: Scene,
  session: KnownSession,
  turn: Turn,
  options: SendOptions,
): Promise<Outcome['kind']> {
  scene.counts.turns += 1;
  // As it is sent: while it is under way, the same turn may be answered elsewhere.
  const wasKnown = turn.state === 'answered' || turn.state === 'whole';
  const outcome = await (options.streamed ? stream : ask)(scene, { session, turn, options });
  noteOutcome(scene, { session, turn, wasKnown, outcome });
  return outcome.kind;
}

interface Sending {
  readonly session: KnownSession;
  readonly turn: Turn;
  readonly options: SendOptions;
}

const requestOf = ({ session, turn }: Sending, headers: Record<string, string> = {}) => ({
  path: `/sessions/${session.id}/request`,
  init: {
    key: session.key,
    body: turn.body,
    headers: { ...headers, ...(turn.idempotencyKey ? { 'idempotency-key': turn.idempotencyKey } : {}) },
  },
});

async function ask(scene: Scene, sending: Sending): Promise<Outcome> {
  const { server } = sending.options;
  const { path, init } = requestOf(sending);
  const answering = call(server, path, init);
  scene.moments.emit('sent');
  const answer = await answering;
  if (answer === CUT) {
    if (!server.killed && !server.wasFrozen) scene.report('a running server answers', [sending.session.id]);
    return { kind: 'none' };
  }
  return answer.status === 200 ? { kind: 'answer', text: answer.text } : toProblem(answer.text);
}

async function stream(scene: Scene, sending: Sending): Promise<Outcome> {
  const { server, leaveAfterWords } = sending.options;
  const leaving = new AbortController();
  const { path, init } = requestOf(sending, { accept: 'text/event-stream' });
  let requestId: string | undefined;
  let outcome: Outcome | undefined;
  let left = false;
  try {
    const sent = send(server, path, { ...init, signal: leaving.signal });
    scene.moments.emit('sent');
    const response = await sent;
    if (response.status !== 200 || !response.body) return toProblem(await response.text());
    let words = 0;
    for await (const { event, data } of readEvents(response.body)) {
      if (event === 'done') outcome = { kind: 'answer', text: data };
      if (event === 'error') outcome = toProblem(data);
      if (event === 'start') {
        requestId = noteStart(sending, data);
        scene.moments.emit('started');
      }
      if (event === 'delta') {
        scene.moments.emit('word');
        words += 1;
        if (words === leaveAfterWords) {
          left = true;
          leaving.abort();
        }
      }
    }
  } catch {
    // Cut off: by us or by a kill.
  }
  if (outcome) return outcome;
  const mayEndBare = left || server.killed || (requestId === undefined && server.wasFrozen);
  if (!mayEndBare) scene.report('9: every stream ends in done or error', [sending.session.id, requestId ?? 'no start']);
  return { kind: 'none' };
}

function noteStart({ turn, options }: Sending, data: string): string {
  const { requestId }: { requestId: string } = JSON.parse(data);
  turn.mayHaveRun = true;
  if (turn.state === 'unknown' || turn.state === 'absent') turn.requestId = requestId;
  options.onStart?.(requestId);
  return requestId;
}

function toProblem(text: string): Outcome {
  const problem: Problem = JSON.parse(text);
  return { kind: 'problem', problem };
}

function noteOutcome(
  scene: Scene,
  { session, turn, wasKnown, outcome }: { session: KnownSession; turn: Turn; wasKnown: boolean; outcome: Outcome },
): void {
  switch (outcome.kind) {
    case 'answer':
      noteAnswer(scene, { session, turn, text: outcome.text });
      return;
    case 'none':
      scene.counts.cut += 1;
      leaveOpen(turn);
      return;
    case 'problem':
      noteProblem(scene, { session, turn, wasKnown, problem: outcome.problem });
  }
}

export function noteAnswer(
  scene: Scene,
  { session, turn, text }: { session: KnownSession; turn: Turn; text: string },
): void {
  const { request }: TurnAnswer = JSON.parse(text);
  if (turn.state === 'answered' || turn.state === 'whole') scene.counts.replays += 1;
  if (turn.state === 'whole' && turn.requestId !== request.id) {
    scene.report('3: the same key gives the stored answer', [session.id, turn.requestId ?? '', request.id]);
  }
  if (turn.answer !== undefined) {
    const forgotten = mayBeForgotten(session, turn.answeredAtMs ?? 0);
    if (!isSameAnswer(turn.answer, text, { forgotten, twoVersions: scene.twoVersions }))
      scene.report('3: a replay is identical', [session.id, request.id]);
    return;
  }
  scene.counts.answered += 1;
  scene.moments.emit('answered');
  turn.state = 'answered';
  turn.requestId = request.id;
  turn.answer = text;
  turn.answeredAtMs = Date.now();
  turn.answeredInRound = scene.round;
}

function noteProblem(
  scene: Scene,
  { session, turn, wasKnown, problem }: { session: KnownSession; turn: Turn; wasKnown: boolean; problem: Problem },
): void {
  const { status, requestId } = problem;
  const rows = [session.id, requestId ?? 'no request', `status ${status}`];
  const expected = wasKnown ? [409, 503] : [402, 409, 503];
  if (!expected.includes(status)) scene.report(`no failure but ${expected.join(', ')} is expected here`, rows);
  // Told that the server or the database is out of reach, its caller does not know what became of it.
  if (status !== 402 && status !== 409) leaveOpen(turn);
}

function leaveOpen(turn: Turn): void {
  turn.mayHaveRun = true;
  if (turn.state === 'absent') turn.state = 'unknown';
}
