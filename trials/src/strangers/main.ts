/** Runs the trial and prints what came of it. Exit code 1: a bar was missed. */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { wholeNumber } from '../options.ts';
import { readOptions } from '../run-options.ts';
import { judge } from './bars.ts';
import { kinds, totalOf } from './outcomes.ts';
import { percentile } from './payer.ts';
import { runStrangersTrial, type StrangersOptions, type StrangersReport } from './trial.ts';

const usage =
  'Usage: pnpm trial:strangers [--seconds 60] [--rate 1000 | --full-speed] [--readers 2000] [--checkout folder]';
const UNPAID_SESSIONS = 500;
const UNDISTURBED_TURNS = 200;

function parseOptions(args: string[]): StrangersOptions {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '60' },
      rate: { type: 'string', default: '1000' },
      readers: { type: 'string', default: '2000' },
      'full-speed': { type: 'boolean', default: false },
      checkout: { type: 'string' },
    },
  });
  return {
    seconds: wholeNumber('seconds', values.seconds),
    rate: values['full-speed'] ? undefined : wholeNumber('rate', values.rate),
    readers: wholeNumber('readers', values.readers),
    unpaidSessions: UNPAID_SESSIONS,
    undisturbedTurns: UNDISTURBED_TURNS,
    pin: true,
    checkout: values.checkout,
  };
}

async function main(options: StrangersOptions): Promise<number> {
  const report = await runStrangersTrial(options);
  const where = report.pinned
    ? 'server and PostgreSQL on one core, all who call them on another'
    : 'without taskset or a second core: whoever calls takes the server’s time, and the bars mean little';
  console.log(
    `${options.seconds} s, ${report.callsPerSecond} calls a second, ${report.mostReaders} readers at most; ${where}; load average ${loadavg()[0]?.toFixed(1)}`,
  );
  console.table(strangersTable(report));
  console.table(payerTable(report));
  const bars = judge(report, options.rate);
  console.table(bars.map(({ what, value, bar, kept }) => ({ what, value, bar, kept: kept ? 'yes' : 'NO' })));
  return bars.every(({ kept }) => kept) ? 0 : 1;
}

function strangersTable({ outcomes }: StrangersReport) {
  return kinds.map((kind) => {
    const { 0: closed = 0, ...statuses } = outcomes[kind];
    return { strangers: kind, calls: totalOf(outcomes[kind]), ...statuses, closed };
  });
}

function payerTable({ undisturbed, disturbed }: StrangersReport) {
  return Object.entries({ undisturbed, disturbed }).map(([when, turns]) => {
    const ms = turns.map((turn) => turn.ms);
    const at = (part: number) => Math.round(percentile(ms, part) * 10) / 10;
    return { payer: when, turns: turns.length, 'median ms': at(0.5), '95 %': at(0.95), '99 %': at(0.99), most: at(1) };
  });
}

process.exitCode = await readOptions(parseOptions, usage, main);
