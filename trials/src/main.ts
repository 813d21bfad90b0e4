/** Runs a trial and says what came of it. Exit code 1: a promise was not kept. */
import { parseOptions, type TrialOptions, usage } from './options.ts';
import type { Scene, Violation } from './scene.ts';
import { openTrial, type Trial } from './trial.ts';

const ROUNDS_PER_LINE = 5;

async function main(): Promise<number> {
  let options: TrialOptions;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : ''}\n${usage}`);
    return 2;
  }
  const startedAtMs = performance.now();
  let stopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopped = true));
  console.log(`mode ${options.mode}, seed ${options.seed}, ${options.kills} kills, ${options.clients} clients`);
  await using trial = await openTrial(options);
  const violations = await runRounds(trial, options, () => stopped);
  const seconds = Math.round((performance.now() - startedAtMs) / 1000);
  console.log(`${stopped ? 'stopped early: ' : ''}${summary(trial.scene, violations)} in ${seconds} s`);
  return violations === 0 ? 0 : 1;
}

async function runRounds(trial: Trial, { mode, kills, seed }: TrialOptions, stopped: () => boolean): Promise<number> {
  let violations = 0;
  const tell = (found: readonly Violation[]) => {
    for (const { promise, rows } of found) {
      console.error(
        `NOT KEPT  ${promise}\n  mode ${mode}, seed ${seed}, round ${trial.scene.round}\n  ${rows.join(' ')}`,
      );
    }
    violations += found.length;
  };
  while (trial.scene.counts.kills < kills && !stopped()) {
    tell(await trial.round());
    const { round } = trial.scene;
    if (round % ROUNDS_PER_LINE === 0) console.log(`seed ${seed}/round ${round}: ${summary(trial.scene, violations)}`);
  }
  tell(await trial.checkEverything());
  return violations;
}

function summary({ round, counts }: Scene, violations: number): string {
  const { kills, turns, answered, cut, fenced, deposits, sessions, retries, replays, cancels, forgets } = counts;
  return (
    `${round} rounds, ${kills} kills, ${turns} turns (${answered} answered, ${cut} cut, ${fenced} fenced, ${retries} retries, ` +
    `${replays} replays, ${cancels} cancels), ${deposits} deposits, ${sessions} sessions, ${forgets} forgets, ` +
    `${counts.checkedAnswers} answers checked again, ${violations} violations`
  );
}

process.exitCode = await main();
