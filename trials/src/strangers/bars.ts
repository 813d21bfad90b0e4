/** What a payer may notice of strangers, at most. */
import { percentile } from './payer.ts';
import type { StrangersReport } from './trial.ts';

const MEMORY_MIB = 400;

export interface Bar {
  readonly what: string;
  readonly value: string;
  readonly bar: string;
  readonly kept: boolean;
}

const medianOf = (turns: StrangersReport['disturbed']) =>
  percentile(
    turns.map(({ ms }) => ms),
    0.5,
  );

/** `rate`: calls a second; undefined: at full speed, where only whether the payer is served counts. */
export function judge(report: StrangersReport, rate: number | undefined): Bar[] {
  const { disturbed, undisturbed, memory } = report;
  const failed = disturbed.filter(({ status }) => status !== 200).map(({ status }) => status);
  const served: Bar = {
    what: 'turns of the payer that were not answered with 200',
    value:
      failed.length === 0 ? `0 of ${disturbed.length}` : `${failed.length} of ${disturbed.length}: ${tally(failed)}`,
    bar: 'none, and more than none were taken',
    kept: failed.length === 0 && disturbed.length > 0,
  };
  if (rate === undefined) return [served];
  const mostMs = 2.5 * medianOf(undisturbed) + 30;
  return [
    served,
    {
      what: 'calls of strangers a second',
      value: String(report.callsPerSecond),
      bar: `${rate} but for a tenth: else too many waited for an answer`,
      kept: report.callsPerSecond >= rate * 0.9,
    },
    {
      what: 'median of the payer’s turns',
      value: `${medianOf(disturbed).toFixed(1)} ms (${medianOf(undisturbed).toFixed(1)} ms undisturbed)`,
      bar: `${mostMs.toFixed(1)} ms`,
      kept: medianOf(disturbed) <= mostMs,
    },
    {
      what: 'the server’s memory at its peak',
      value: `${memory.peakMiB} MiB (${memory.firstMiB} before, ${memory.lastMiB} in the end)`,
      bar: `${memory.firstMiB + MEMORY_MIB} MiB`,
      kept: memory.peakMiB <= memory.firstMiB + MEMORY_MIB,
    },
  ];
}

export function tally(statuses: readonly number[]): string {
  const counts = Map.groupBy(statuses, (status) => status);
  return [...counts].map(([status, all]) => `${status === 0 ? 'closed' : status} × ${all.length}`).join(', ');
}
