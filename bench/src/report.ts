import { cpus, loadavg, platform, release, totalmem } from 'node:os';

import type { Figure, Measurement } from './measurement.ts';
import type { BenchServer } from './postgres.ts';

export interface Result {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
}

/** What the figures depend on. */
export interface Conditions {
  readonly date: string;
  readonly machine: string;
  /** Which of its cores were used. */
  readonly cores: string;
  readonly node: string;
  readonly postgres: string;
  /** How many processes wanted a core, over the last minute. */
  readonly load: number;
}

export function describeConditions({ version, durability }: BenchServer, cores: string): Conditions {
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString().slice(0, 10),
    cores,
    machine: `${cpus().length} cores, ${memory} GiB, ${platform()} ${release()}`,
    node: process.versions.node,
    postgres: `${version} (${durability})`,
    load: loadavg()[0]!,
  };
}

export function printConditions({ date, machine, cores, node, postgres, load }: Conditions): void {
  console.log(`${date}: ${machine}, ${cores}; Node ${node}; PostgreSQL ${postgres}; load ${load.toFixed(1)}`);
}

/** Prints a measurement's figures as a table that Markdown can hold. */
export function printResult({ title }: Pick<Measurement, 'title'>, figures: readonly Figure[]): void {
  const head = ['', 'median', 'against', 'times (10th–90th percentile)', 'bar'];
  const rows = figures.map(toCells);
  const widths = head.map((cell, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]!.length), cell.length),
  );
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  console.log(`\n${title}\n`);
  console.log(line(head));
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  for (const row of rows) console.log(line(row));
}

function toCells({ name, unit, value, against, bar }: Figure): readonly string[] {
  const own = `${digits(value)} ${unit}`;
  if (!against) return [name, own, '', '', ''];
  const { median, low, high } = against.ratio;
  return [
    name,
    own,
    `${against.name}: ${digits(against.value)}`,
    `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`,
    bar === undefined ? '' : `${bar} ${median <= bar ? 'met' : 'MISSED'}`,
  ];
}

function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
