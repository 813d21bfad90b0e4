/** A short, slow version of the trial, and proof that its bars are bars. */
import { expect, test } from 'vitest';

import { judge } from '../src/strangers/bars.ts';
import { kinds, noOutcomes, totalOf } from '../src/strangers/outcomes.ts';
import { runStrangersTrial, type StrangersReport } from '../src/strangers/trial.ts';

test('one who pays is served while strangers come', { timeout: 60_000 }, async () => {
  const report = await runStrangersTrial({
    seconds: 8,
    rate: 100,
    readers: 50,
    unpaidSessions: 10,
    undisturbedTurns: 20,
    pin: false,
  });
  expect(report.disturbed.filter(({ status }) => status !== 200)).toEqual([]);
  expect(report.disturbed.length).toBeGreaterThan(0);
  for (const kind of kinds) expect(totalOf(report.outcomes[kind])).toBeGreaterThan(0);
  expect(report.mostReaders).toBeGreaterThan(0);
});

const turns = (ms: number, status = 200) => Array.from({ length: 10 }, () => ({ ms, status }));
const fine: StrangersReport = {
  pinned: true,
  outcomes: noOutcomes(),
  mostReaders: 2000,
  callsPerSecond: 1000,
  undisturbed: turns(10),
  disturbed: turns(55),
  memory: { firstMiB: 200, peakMiB: 300, lastMiB: 250 },
};

test.for<[string, Partial<StrangersReport>]>([
  ['a turn took longer than it may', { disturbed: turns(56) }],
  ['a turn failed', { disturbed: turns(10, 503) }],
  ['no turn was taken', { disturbed: [] }],
  ['fewer strangers came than were meant to', { callsPerSecond: 500 }],
  ['memory grew', { memory: { firstMiB: 200, peakMiB: 700, lastMiB: 250 } }],
])('a bar is missed when %s', ([, change]) => {
  expect(judge(fine, 1000).every(({ kept }) => kept)).toBe(true);
  expect(judge({ ...fine, ...change }, 1000).every(({ kept }) => kept)).toBe(false);
});

test('at full speed only a turn that is not answered counts', () => {
  expect(judge({ ...fine, disturbed: turns(5000) }, undefined).every(({ kept }) => kept)).toBe(true);
  expect(judge({ ...fine, disturbed: turns(10, 502) }, undefined).every(({ kept }) => kept)).toBe(false);
});
