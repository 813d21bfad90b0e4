/** `pnpm bench`: measures against the bare driver and prints ratios. docs/performance.md says what is measured and how. */
import { writeFile } from 'node:fs/promises';

import { history } from './history.ts';
import type { Measurement } from './measurement.ts';
import { memory } from './memory.ts';
import { messages } from './messages.ts';
import { bindToOneCore } from './one-core.ts';
import { readOptions } from './options.ts';
import { openBenchServer } from './postgres.ts';
import { profile } from './profile.ts';
import { recalling } from './recalling.ts';
import { describeConditions, printConditions, printResult, type Result } from './report.ts';
import { startup } from './startup.ts';
import { throughput } from './throughput.ts';
import { turn } from './turn.ts';

const measurements: readonly Measurement[] = [history, messages, turn, recalling, throughput, profile, memory, startup];

async function main(): Promise<void> {
  const { quick, only, json, databaseUrl } = readOptions(measurements.map(({ name }) => name));
  const chosen = measurements.filter(({ name }) => only.length === 0 || only.includes(name));
  const cores = await bindToOneCore();
  await using server = await openBenchServer(databaseUrl);
  // An embedded PostgreSQL goes on when its owner dies: stopped half-way, it is stopped too.
  const stop = async () => {
    await server[Symbol.asyncDispose]();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
  const conditions = describeConditions(server, cores);
  printConditions(conditions);
  const results: Result[] = [];
  for (const { name, title, run } of chosen) {
    const progress = (text: string) => console.error(`${name}: ${text}`);
    progress('…');
    const figures = await run({ server, quick, progress });
    printResult({ title }, figures);
    results.push({ name, title, figures });
  }
  printConditions(describeConditions(server, cores));
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ conditions, quick, results }, null, 2)}\n`);
}

await main();
