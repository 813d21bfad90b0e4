/** What the clients did and what they were told: the server must not contradict it, whatever happened to it in between. */

export interface Turn {
  /** Unlike any other turn's, so that a stored message tells whose it is. */
  readonly content: string;
  /** What was sent, and is sent again with the same key. */
  readonly body: string;
  readonly idempotencyKey: string | undefined;
  /** The steps in which it may have run: it is sent anew only when it is not known to have succeeded. */
  readonly firstStep: number;
  lastStep: number;
  /** `unknown`: no answer came so far. `absent`, `whole`: nor later, and a check found it missing or there. */
  state: 'unknown' | 'absent' | 'whole' | 'answered';
  /** false: each time that it was sent, the server said that it did not let it in. */
  mayHaveRun: boolean;
  requestId?: string;
  /** The answer's JSON, letter by letter. */
  answer?: string;
  answeredAtMs?: number;
  answeredInRound?: number;
}

export interface Forget {
  readonly sentAtMs: number;
  /** undefined: no answer came, and it may have happened or not. */
  acknowledgedAtMs?: number;
  /** When no answer can come any more. */
  endedAtMs?: number;
}

export interface KnownSession {
  readonly id: string;
  readonly key: string;
  readonly turns: Turn[];
  readonly forgets: Forget[];
  readonly invoices: KnownInvoice[];
  /** Counts what its client does, one thing after the other. What happens at once happens in one step. */
  step: number;
}

export interface KnownInvoice {
  readonly paymentHash: string;
  readonly bolt11: string;
  readonly amountMsat: bigint;
}

export class Journal {
  readonly sessions: KnownSession[] = [];

  get turns(): Turn[] {
    return this.sessions.flatMap((session) => session.turns);
  }

  find(sessionId: string): KnownSession | undefined {
    return this.sessions.find((session) => session.id === sessionId);
  }
}

/** Whether a forget may have removed what was finished by then. */
export function mayBeForgotten({ forgets }: KnownSession, finishedAtMs: number): boolean {
  return forgets.some((forget) => finishedAtMs <= (forget.acknowledgedAtMs ?? forget.endedAtMs ?? Infinity) + 1);
}

/** Whether an acknowledged forget must have removed what was finished by then. */
export function mustBeForgotten({ forgets }: KnownSession, finishedAtMs: number): boolean {
  return forgets.some(
    ({ sentAtMs, acknowledgedAtMs }) => acknowledgedAtMs !== undefined && finishedAtMs < sentAtMs - 1,
  );
}

export interface Sameness {
  /** What was forgotten since comes without its reply. */
  readonly forgotten: boolean;
  /** Servers of two versions answer: a field that only one of them knows is not compared. */
  readonly twoVersions: boolean;
}

/** Whether an answer is the one given before: letter by letter, where one version gives both. */
export function isSameAnswer(before: string, now: string, { forgotten, twoVersions }: Sameness): boolean {
  const isSame = (one: string, other: string) =>
    one === other || (twoVersions && isSameWhereBothSpeak(JSON.parse(one), JSON.parse(other)));
  return isSame(before, now) || (forgotten && isSame(withoutReply(before), withoutReply(now)));
}

function isSameWhereBothSpeak(one: unknown, other: unknown): boolean {
  if (!isRecord(one) || !isRecord(other)) return one === other;
  const shared = Object.keys(one).filter((name) => name in other);
  return shared.length > 0 && shared.every((name) => isSameWhereBothSpeak(one[name], other[name]));
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function withoutReply(answer: string): string {
  const parsed: { reply: unknown } = JSON.parse(answer);
  return JSON.stringify({ ...parsed, reply: null });
}
