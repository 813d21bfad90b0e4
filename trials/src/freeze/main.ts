/** Runs the trial and says what came of it. Exit code 1: a promise was not kept. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

import { wholeNumber } from '../options.ts';
import { onFirstSignal, readOptions } from '../run-options.ts';
import { listCases, nameOf, openFreezeTrial } from './trial.ts';

const usage = 'Usage: pnpm trial:freeze [--seed text] [--rounds 1] [--only text] [--checkout folder]';

interface FreezeOptions {
  readonly seed: string;
  /** How often everything is frozen once. */
  readonly rounds: number;
  /** What the name of a case has in it. */
  readonly only: string;
  readonly checkout: string | undefined;
}

function parseOptions(args: string[]): FreezeOptions {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: randomBytes(4).toString('hex') },
      rounds: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      checkout: { type: 'string' },
    },
  });
  return { ...values, rounds: wholeNumber('rounds', values.rounds), checkout: values.checkout };
}

async function main({ seed, rounds, only, checkout }: FreezeOptions): Promise<number> {
  const stopped = onFirstSignal();
  console.log(`seed ${seed}, ${rounds} rounds`);
  await using trial = await openFreezeTrial({ seed, checkout });
  const { scene } = trial;
  let violations = 0;
  const tell = () => {
    for (const { promise, rows } of scene.violations.splice(0)) {
      violations += 1;
      console.error(`NOT KEPT  ${promise}\n  seed ${seed}\n  ${rows.join(' ')}`);
    }
  };
  let longestWaitMs = 0;
  let turns = 0;
  const cases = Array.from({ length: rounds }, (_, round) => listCases(`${seed}/${round}`))
    .flat()
    .filter((each) => nameOf(each).includes(only));
  if (cases.length === 0) {
    console.error(`No case has “${only}” in its name.\n${usage}`);
    return 2;
  }
  for (const freezeCase of cases) {
    if (stopped()) break;
    await trial.run(freezeCase, (what, frozen) => {
      longestWaitMs = Math.max(longestWaitMs, frozen.longestWaitMs);
      turns += frozen.turns;
      console.log(
        `${what}: ${frozen.turns} turns of strangers, the longest ${frozen.longestWaitMs} ms, nobody blocked after ${frozen.unblockedAfterMs} ms`,
      );
    });
    tell();
  }
  await trial.check();
  tell();
  console.log(
    `${trial.freezes} freezes, ${turns} turns of strangers, the longest wait ${longestWaitMs} ms, ${violations} promises not kept`,
  );
  return violations === 0 ? 0 : 1;
}

process.exitCode = await readOptions(parseOptions, usage, main);
