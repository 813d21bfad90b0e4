/** Runs the trial and says what came of it. Exit code 1: a promise was not kept. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { wholeNumber } from '../options.ts';
import { onFirstSignal, readOptions } from '../run-options.ts';
import { runUpgrade, type UpgradeOptions } from './trial.ts';

const usage = `Usage: pnpm trial:upgrade --old <folder> [--rounds 5] [--seed text] [--clients 8]
The folder is a checkout of the version before, with its dependencies installed.`;
const SECONDS_EACH = 5;

interface Options extends UpgradeOptions {
  readonly rounds: number;
}

function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      old: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seed: { type: 'string', default: randomBytes(4).toString('hex') },
      clients: { type: 'string', default: '8' },
    },
  });
  if (values.old === undefined) throw new RangeError('--old is the folder of the version before');
  return {
    old: resolve(values.old),
    seed: values.seed,
    clients: wholeNumber('clients', values.clients),
    rounds: wholeNumber('rounds', values.rounds),
    secondsEach: SECONDS_EACH,
  };
}

async function main({ rounds, seed, ...options }: Options): Promise<number> {
  const stopped = onFirstSignal();
  let violations = 0;
  for (let round = 1; round <= rounds && !stopped(); round += 1) {
    const report = await runUpgrade({ ...options, seed: `${seed}/${round}` });
    for (const { promise, rows } of report.violations) {
      console.error(`NOT KEPT  ${promise}\n  seed ${seed}, round ${round}\n  ${rows.join(' ')}`);
    }
    violations += report.violations.length;
    const { turns, answered, cut, deposits, sessions, checkedAnswers } = report.counts;
    const failures = [...report.failures].map(([what, count]) => `${count} × ${what}`).join('; ') || 'no 5xx';
    console.log(
      `seed ${seed}/round ${round}: ${turns} turns (${answered} answered, ${cut} cut), ${deposits} deposits, ` +
        `${sessions} sessions, ${checkedAnswers} answers asked for again; ${failures}`,
    );
  }
  console.log(`${violations} promises not kept`);
  return violations === 0 ? 0 : 1;
}

process.exitCode = await readOptions(parseOptions, usage, main);
