/** The events up to the abort, whatever the source does about it: one that hangs is left behind. */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const iterator = source[Symbol.asyncIterator]();
  let done = false;
  try {
    while (true) {
      // oxlint-disable-next-line no-await-in-loop -- a stream is read in its order
      const result = await Promise.race([iterator.next(), aborted.promise]);
      if (result.done) {
        done = true;
        return;
      }
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!done) iterator.return?.().catch(() => {});
  }
}
