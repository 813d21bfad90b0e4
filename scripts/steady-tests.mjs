// Runs the tests over and over with two busy loops beside them, and says how often they passed: a test that passes on a
// quiet machine alone is mended, not run again. Not for CI.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { readOptions, refuseOptions } from './read-options.ts';

const BUSY_LOOPS = 2;
/** Busy for as long as we live, even where we are killed. */
const busyLoop = 'do for (let n = 0; n < 1e8; n += 1); while (process.ppid === Number(process.argv[1]));';
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const browserTests = fileURLToPath(new URL('browser-tests.mjs', import.meta.url));

/** How often each of them must pass, and what runs it: as its own script does. */
const suites = {
  test: { times: 20, command: [vitest, 'run'] },
  heavy: { times: 10, command: [vitest, 'run', '--config', 'vitest.heavy.config.ts'] },
  browser: { times: 5, command: [browserTests] },
};

/** What this one leads is ended with it, whatever it is doing. */
const children = new Set();

function start(command, stdio) {
  const child = spawn(process.execPath, command, { stdio, detached: true });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

function endAll() {
  for (const child of children) {
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It has just ended by itself.
    }
  }
}

/** One run: whether it passed, the last line that it printed, and the names of what failed. */
async function runOnce({ command }) {
  const child = start(command, ['ignore', 'pipe', 'inherit']);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
  const [status] = await once(child, 'close');
  // oxlint-disable-next-line no-control-regex -- the colours of a terminal
  const lines = text.replaceAll(/\u001b\[[\d;]*m/g, '').split('\n');
  const failures = lines.filter((line) => /^ *FAIL /.test(line)).map((line) => line.trim());
  const skipped = lines.every((line) => !/\d+ passed, \d+ failed/.test(line)) && status === 0;
  return {
    passed: status === 0 && !skipped,
    skipped,
    last: lines.findLast(Boolean) ?? '',
    failures: new Set(failures),
  };
}

async function runSuite(name, times) {
  let passed = 0;
  const failures = new Map();
  for (let round = 1; round <= times; round += 1) {
    const startedAt = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const run = await runOnce(suites[name]);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    passed += run.passed ? 1 : 0;
    const outcome = run.passed ? 'passed' : run.skipped ? 'SKIPPED' : 'FAILED';
    console.log(`${name} ${round}/${times}: ${outcome} in ${seconds} s (${run.last})`);
    for (const failure of run.failures) {
      console.log(`  ${failure}`);
      failures.set(failure, (failures.get(failure) ?? 0) + 1);
    }
  }
  return { name, times, passed, failures };
}

const usage = 'Usage: pnpm test:steady [--only test|heavy|browser] [--times 20]';
const { values } = readOptions(usage, { options: { only: { type: 'string' }, times: { type: 'string' } } });
const chosen = values.only === undefined ? Object.keys(suites) : [values.only];
const times = values.times === undefined ? undefined : Number(values.times);
if (chosen.some((name) => !(name in suites)) || (times !== undefined && !(Number.isInteger(times) && times > 0))) {
  refuseOptions(usage, '--only is one of them, and --times a whole number, one or more');
}

process.once('exit', endAll);
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.once(signal, () => process.exit(code));
}
for (let loop = 0; loop < BUSY_LOOPS; loop += 1) start(['-e', busyLoop, String(process.pid)], 'ignore');

const results = [];
// oxlint-disable-next-line no-await-in-loop -- one after the other
for (const name of chosen) results.push(await runSuite(name, times ?? suites[name].times));
for (const { name, times: of, passed, failures } of results) {
  console.log(`${name}: ${passed} of ${of}`);
  for (const [failure, count] of failures) console.log(`  ${count} × ${failure}`);
}
process.exitCode = results.every(({ times: of, passed }) => passed === of) ? 0 : 1;
endAll();
