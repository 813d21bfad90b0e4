/** Enough statistics for a noisy machine: medians, and how far the rounds lie apart. */

export interface Spread {
  readonly median: number;
  /** A tenth of the rounds lie below. */
  readonly low: number;
  /** A tenth of the rounds lie above. */
  readonly high: number;
}

/** @throws {RangeError} when there are no values */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new RangeError('there is no quantile of nothing');
  return below + (above - below) * (position - Math.floor(position));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: quantile(values, 0.1), high: quantile(values, 0.9) };
}
