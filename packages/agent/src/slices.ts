/**
 * Work that would hold up everything else, in slices of a few milliseconds with a turn of the event loop between them. All
 * callers share one slice a turn, one after the other: however many there are, nobody else waits longer.
 */

const SLICE_MS = 4;

interface Job {
  /** Goes on for one step. @returns whether it has ended */
  step(): boolean;
}

const waiting: Job[] = [];
let scheduled = false;

/** Runs the steps to their end. A step, from one `yield` to the next, should take a millisecond at most. */
export async function inSlices<T>(steps: Iterator<void, T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    waiting.push({
      step() {
        try {
          const { done, value } = steps.next();
          if (done === true) resolve(value);
          return done === true;
        } catch (error) {
          reject(error);
          return true;
        }
      },
    });
    schedule();
  });
}

function schedule(): void {
  if (scheduled || waiting.length === 0) return;
  scheduled = true;
  setImmediate(runSlice);
}

function runSlice(): void {
  scheduled = false;
  const endsAt = performance.now() + SLICE_MS;
  while (waiting.length > 0 && performance.now() < endsAt) {
    const job = waiting.shift()!;
    if (!runUntil(job, endsAt)) waiting.push(job);
  }
  schedule();
}

function runUntil(job: Job, endsAt: number): boolean {
  while (performance.now() < endsAt) {
    if (job.step()) return true;
  }
  return false;
}
