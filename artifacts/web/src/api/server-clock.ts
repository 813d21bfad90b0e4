/** The server's time, told by its answers: a reader's own clock may be hours wrong. */
const WHOLE_SECOND_MS = 1000;
/** An answer that was held up for longer tells an old time. */
const FRESH_MS = 5000;

let aheadMs = 0;

/** An answer came now: what its `Date` header said, which is cut to a second, and when it was asked for. */
export function noteServerTime(date: string | null, sentAt: number): void {
  const now = Date.now();
  const time = Date.parse(date ?? '');
  const tookMs = now - sentAt;
  if (Number.isNaN(time) || tookMs < 0 || tookMs > FRESH_MS) return;
  aheadMs = time + WHOLE_SECOND_MS / 2 - (now - tookMs / 2);
}

/** Now, as the server has it. */
export const serverNow = (): number => Date.now() + aheadMs;
