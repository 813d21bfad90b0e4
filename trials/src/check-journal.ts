/** Compares what the clients were told with what is stored: nothing acknowledged is lost, nothing refused was done. */
import { type KnownSession, mayBeForgotten, mustBeForgotten, type Turn } from './journal.ts';
import type { Scene } from './scene.ts';

interface StoredRequest {
  readonly id: string;
  readonly session_id: string;
  readonly idempotency_key: string | null;
  readonly state: string;
  readonly finished_ms: number;
  /** What the user said; null once it is forgotten. */
  readonly content: string | null;
}

const storedRequests = `
  SELECT r.id, r.session_id, r.idempotency_key, r.state, m.content,
    (extract(epoch FROM r.finished_at) * 1000)::float8 AS finished_ms
  FROM session_requests r
  LEFT JOIN session_messages m ON m.session_request_id = r.id AND m.role = 'user'
  WHERE r.state <> 'failed'
  ORDER BY m.created_at, m.seq`;

export async function checkJournal(scene: Scene): Promise<void> {
  endForgets(scene);
  const bySession = Map.groupBy(
    await scene.database.query<StoredRequest>(storedRequests),
    (request) => request.session_id,
  );
  for (const session of scene.journal.sessions) {
    const stored = bySession.get(session.id) ?? [];
    resolveOpenTurns(scene, session, stored);
    checkAcknowledged(scene, session, stored);
    checkForgotten(scene, session, stored);
    checkOrder(scene, session, stored);
  }
}

/** Nothing is under way any more: what was not acknowledged by now has happened or never will. */
function endForgets(scene: Scene): void {
  for (const forget of scene.journal.sessions.flatMap(({ forgets }) => forgets)) forget.endedAtMs ??= Date.now();
}

/** A turn without an answer is there as a whole or not at all, which the other checks tell; here: which of the two. */
function resolveOpenTurns(scene: Scene, session: KnownSession, stored: readonly StoredRequest[]): void {
  for (const turn of session.turns) {
    if (turn.state !== 'unknown' && turn.state !== 'absent') continue;
    const found = findStored(turn, stored);
    if (found && !turn.mayHaveRun) scene.report('3: a turn that was refused has not run', [session.id, found.id]);
    turn.state = found ? 'whole' : 'absent';
    if (found) turn.requestId = found.id;
  }
}

function findStored(turn: Turn, stored: readonly StoredRequest[]): StoredRequest | undefined {
  return stored.find(({ id, idempotency_key, content }) => {
    if (turn.idempotencyKey !== undefined) return idempotency_key === turn.idempotencyKey;
    return content === turn.content || id === turn.requestId;
  });
}

function checkAcknowledged(scene: Scene, session: KnownSession, stored: readonly StoredRequest[]): void {
  const byId = new Map(stored.map((request) => [request.id, request]));
  for (const turn of session.turns) {
    if (turn.state !== 'answered' && turn.state !== 'whole') continue;
    const request = byId.get(turn.requestId ?? '');
    const rows = [session.id, turn.requestId ?? ''];
    if (!request || request.state === 'running') scene.report('7: an acknowledged answer is still there', rows);
    else if (request.content === null && !mayBeForgotten(session, request.finished_ms)) {
      scene.report('7: the messages of an acknowledged turn are still there', rows);
    } else if (request.content !== null && request.content !== turn.content) {
      scene.report('3: a request has the message that it was sent with', rows);
    }
  }
}

function checkForgotten(scene: Scene, session: KnownSession, stored: readonly StoredRequest[]): void {
  const kept = stored.filter(({ content, finished_ms }) => content !== null && mustBeForgotten(session, finished_ms));
  if (kept.length > 0)
    scene.report(
      'what was forgotten stays forgotten',
      kept.map(({ id }) => id),
    );
}

/** Each message was stored once at most, and in the order in which its client did things. */
function checkOrder(scene: Scene, session: KnownSession, stored: readonly StoredRequest[]): void {
  const turns = new Map(session.turns.map((turn) => [turn.content, turn]));
  const seen = new Set<string>();
  let step = 0;
  for (const { id, content } of stored) {
    if (content === null) continue;
    const turn = turns.get(content);
    const rows = [session.id, id];
    if (!turn) scene.report('4: nothing is stored that nobody said', rows);
    else if (seen.has(content)) scene.report('3: a turn runs once', rows);
    else if (turn.lastStep < step) scene.report('4: messages are in the order in which they were said', rows);
    else step = Math.max(step, turn.firstStep);
    seen.add(content);
  }
}
