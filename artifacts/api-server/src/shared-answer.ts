/**
 * One run for all who ask at the same time, and for those who ask within `ms` of a success: what anybody may ask costs little,
 * however many do.
 */
export function shareAnswer<T>(ms: number, run: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | undefined;
  let until = 0;
  return async () => {
    if (!latest || performance.now() >= until) {
      until = Infinity;
      latest = run();
      latest.then(
        () => (until = performance.now() + ms),
        () => (until = 0),
      );
    }
    return latest;
  };
}
