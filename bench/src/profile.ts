/** Where the server process spends its time while 8 sessions take turns over HTTP. */
import type { Profiler } from 'node:inspector';

import { fillTurns, fundSessions } from './fill.ts';
import { openHttpClient } from './http-client.ts';
import type { Figure, Measurement } from './measurement.ts';
import { countCalls } from './rounds.ts';
import { startServerProcess } from './server-process.ts';

const SESSIONS = 8;
const TOP_PLACES = 12;
const TOP_FUNCTIONS = 20;

export const profile: Measurement = {
  name: 'profile',
  title: `The server's own time (V8 sampling, self time), ${SESSIONS} sessions at once over HTTP`,
  async run({ server, quick, progress }) {
    await using database = await server.openDatabase('profile');
    await fillTurns(database.bare, { quick });
    await using http = await startServerProcess(database.url);
    using client = openHttpClient(http.url, SESSIONS);
    const sessions = await fundSessions(database.bare, SESSIONS);
    const workers = sessions.map((session) => () => client.takeTurn(session));
    progress('warming up');
    await countCalls(quick ? 200 : 3000, workers);
    progress('profiling');
    await http.startProfile();
    const rate = await countCalls(quick ? 300 : 8000, workers);
    const times = selfTimes(await http.endProfile());
    return summarise(times, rate);
  },
};

interface SelfTime {
  readonly place: string;
  readonly name: string;
  readonly ms: number;
}

function selfTimes({ nodes, samples, timeDeltas }: Profiler.Profile): SelfTime[] {
  const microseconds = new Map<number, number>();
  for (const [index, id] of (samples ?? []).entries()) {
    microseconds.set(id, (microseconds.get(id) ?? 0) + (timeDeltas?.[index] ?? 0));
  }
  return nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => ({
    place: placeOf(url, functionName),
    name: `${functionName || '(anonymous)'} ${url.replace(/^.*\//, '')}${url ? `:${lineNumber + 1}` : ''}`.trim(),
    ms: (microseconds.get(id) ?? 0) / 1000,
  }));
}

/** The package a file is of; V8's own work goes by its name: (idle), (program), (garbage collector). */
function placeOf(url: string, functionName: string): string {
  const installed = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  const ours = /\/(?:packages|artifacts)\/([^/]+)\//.exec(url)?.[1];
  if (installed) return installed;
  if (ours) return `@timmy-tower/${ours}`;
  if (url.startsWith('node:')) return url.split('/')[0]!;
  return url === '' ? (functionName.startsWith('(') ? functionName : 'V8') : 'bench';
}

function summarise(times: readonly SelfTime[], rate: number): Figure[] {
  const idle = '(idle)';
  const totalMs = sumOf(times);
  const busy = times.filter(({ place }) => place !== idle);
  const busyMs = sumOf(busy);
  const share = (ms: number) => (100 * ms) / busyMs;
  const top = (by: (time: SelfTime) => string, count: number) =>
    Object.entries(Object.groupBy(busy, by))
      .map(([name, of]) => ({ name, unit: '%' as const, value: share(sumOf(of ?? [])) }))
      .toSorted((a, b) => b.value - a.value)
      .slice(0, count);
  return [
    { name: 'turns per second meanwhile', unit: 'turns/s', value: rate },
    { name: 'busy', unit: '%', value: (100 * busyMs) / totalMs },
    { name: 'busy per turn', unit: 'ms', value: (1000 / rate) * (busyMs / totalMs) },
    ...top(({ place }) => place, TOP_PLACES),
    ...top(({ place, name }) => `${place}: ${name}`, TOP_FUNCTIONS),
  ];
}

const sumOf = (times: readonly SelfTime[]) => times.reduce((sum, { ms }) => sum + ms, 0);
