/** What a measurement is given and what it answers. */
import type { BenchServer } from './postgres.ts';
import { median, type Spread, spreadOf } from './statistics.ts';

export type Unit = 'ms' | 'turns/s' | 'MiB' | '%';

export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly value: number;
  readonly against?: Against;
  /** What the ratio may be at most. */
  readonly bar?: number;
}

/** Something else that was measured in the same rounds. */
export interface Against {
  readonly name: string;
  readonly value: number;
  /** How many times as costly this one is, round by round. Above 1 is worse, for rates too. */
  readonly ratio: Spread;
}

export interface Context {
  readonly server: BenchServer;
  /** Small sizes and few rounds: to see that everything runs. The figures mean nothing then. */
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}

export interface Measurement {
  readonly name: string;
  readonly title: string;
  readonly run: (context: Context) => Promise<readonly Figure[]>;
}

/** One figure a round, of one contender. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

interface Comparison {
  readonly name: string;
  readonly unit: Unit;
  readonly of: Series;
  readonly with?: Series;
  readonly bar?: number;
}

export function compare({ name, unit, of, with: other, bar }: Comparison): Figure {
  const value = median(of.values);
  if (!other) return { name, unit, value };
  const isRate = unit === 'turns/s';
  const ratios = of.values.map((own, round) => (isRate ? other.values[round]! / own : own / other.values[round]!));
  const against = { name: other.name, value: median(other.values), ratio: spreadOf(ratios) };
  return { name, unit, value, against, ...(bar === undefined ? {} : { bar }) };
}
