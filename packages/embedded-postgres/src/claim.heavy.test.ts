import type { AppError } from '@timmy-tower/contract';
import { once } from 'node:events';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import {
  cleanUp,
  inAnotherProcess,
  kill,
  type OtherProcess,
  query,
  initialisedDirectory,
  newDirectory,
  open,
  removeTemplate,
} from './fixture.ts';
import { isRunning } from './process.ts';
import { claimInstance, holderName, INSTANCE_LOCK } from './claim.ts';
import { openEmbedded } from './open.ts';
import type { EmbeddedPostgres } from './types.ts';

// Every one syncs to disk, several times over: a slow disk takes its time.
vi.setConfig({ testTimeout: 60_000 });
afterEach(cleanUp);
afterAll(removeTemplate);

/** Opens the directory in a process of its own, which then stays; or says who was there first, and ends. */
const openElsewhere = async (directory: string, label: string): Promise<OtherProcess> =>
  inAnotherProcess(`
    try {
      const server = await embedded.openEmbedded(${JSON.stringify(directory)}, { label: '${label}', onLost() {} });
      console.log(JSON.stringify({ pid: server.pid, url: server.url() }));
      process.on('SIGTERM', async () => { await server.stop(); process.exit(); });
      setInterval(() => {}, 1000);
    } catch (error) {
      console.log(JSON.stringify({ message: error.message, ...error.fields }));
    }`);

const ignoreLoss = () => {};

/** Resolves once the query finds something. */
async function until(url: string, sql: string): Promise<void> {
  while ((await query(url, sql)).length === 0);
}

test('of two first starts at once one wins, and the other names it and leaves its server alone', async () => {
  const directory = newDirectory();
  const both = await Promise.all([
    openElsewhere(directory, 'timmy-tower a'),
    openElsewhere(directory, 'timmy-tower b'),
  ]);
  const winner = both.find(({ said }) => 'url' in said);
  const loser = both.find(({ said }) => 'message' in said);
  expect(loser?.said['holder']).toMatch(new RegExp(`^timmy-tower [ab] pid ${winner?.child.pid}$`));
  expect(loser?.said['message']).toContain(loser?.said['holder']);
  if (loser?.child.exitCode === null) await once(loser.child, 'exit');
  expect(await query(String(winner?.said['url']), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a second start finds the first, names it and leaves its server alone', async () => {
  const directory = await initialisedDirectory();
  const first = await openElsewhere(directory, 'timmy-tower http://127.0.0.1:3000');
  await expect(openEmbedded(directory, { label: 'second', onLost: ignoreLoss })).rejects.toMatchObject({
    code: 'unavailable',
    fields: { holder: `timmy-tower http://127.0.0.1:3000 pid ${first.child.pid}` },
  });
  expect(await query(String(first.said['url']), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a start right after a kill succeeds, and takes over the server', async () => {
  const directory = await initialisedDirectory();
  const first = await openElsewhere(directory, 'first');
  await kill(first.child);
  const second = await openEmbedded(directory, { label: 'second', onLost: ignoreLoss });
  expect(second).toMatchObject({ adopted: true, pid: first.said['pid'] });
  await second.stop();
  expect(isRunning(second.pid)).toBe(false);
});

test('starting while the other stops never adopts a server that is about to go', async () => {
  const directory = await initialisedDirectory();
  const first = await openElsewhere(directory, 'first');
  first.child.kill('SIGTERM');
  const losses: Error[] = [];
  const refusals: unknown[] = [];
  let second: EmbeddedPostgres | undefined;
  while (!second) {
    second = await openEmbedded(directory, { label: 'second', onLost: (cause) => losses.push(cause) }).catch(
      (error: AppError) => {
        refusals.push(error.fields['holder']);
        return undefined;
      },
    );
  }
  if (first.child.exitCode === null && first.child.signalCode === null) await once(first.child, 'exit');
  expect(await query(second.url(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(losses).toEqual([]);
  expect(refusals.filter((holder) => holder !== `first pid ${first.child.pid}`)).toEqual([]);
  await second.stop();
});

test('who loses the claim is told once, and no longer stops the server', async () => {
  const directory = await initialisedDirectory();
  const losses: Error[] = [];
  const { promise: lost, resolve } = Promise.withResolvers<void>();
  const first = await openEmbedded(directory, {
    label: 'first',
    onLost(cause) {
      losses.push(cause);
      resolve();
    },
  });
  await query(
    first.url(),
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'first pid %'`,
  );
  await lost;
  const second = await openEmbedded(directory, { label: 'second', onLost: ignoreLoss });
  await first.stop();
  expect(isRunning(second.pid)).toBe(true);
  expect(losses).toHaveLength(1);
  await second.stop();
});

test('the claim is held until the server is gone', async () => {
  const server = await openEmbedded(await initialisedDirectory(), { label: 'first', onLost: ignoreLoss });
  const rival = query(server.url(), `SELECT pg_advisory_lock(${INSTANCE_LOCK})`);
  const outcome = rival.then(
    () => 'claimed',
    () => 'disconnected',
  );
  await until(server.url(), `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`);
  await server.stop();
  expect(await outcome).toBe('disconnected');
});

test('a claim that is given back a moment later is waited for', async () => {
  const server = await open(await initialisedDirectory());
  const url = server.url('template1');
  const first = await claimInstance(url, 'first');
  const second = claimInstance(url, 'second');
  await until(url, `SELECT FROM pg_stat_activity WHERE application_name = 'second' AND query LIKE '%pg_locks%'`);
  await first.release();
  await expect(second.then((claim) => claim.release())).resolves.toBeUndefined();
});

test('stopping is not a loss', async () => {
  const losses: Error[] = [];
  const server = await openEmbedded(await initialisedDirectory(), {
    label: 'only',
    onLost: (cause) => losses.push(cause),
  });
  await Promise.all([server.stop(), server.stop()]);
  expect(isRunning(server.pid)).toBe(false);
  expect(losses).toEqual([]);
});

test('a claim is one per database, survives a long label and can be given back', async () => {
  const server = await open(await initialisedDirectory());
  const url = server.url('template1');
  const first = await claimInstance(url, holderName('x'.repeat(100)));
  await expect(claimInstance(url, 'second')).rejects.toMatchObject({
    fields: { holder: expect.stringMatching(new RegExp(`^x+ pid ${process.pid}$`)) },
  });
  await first.release();
  await (await claimInstance(url, 'second')).release();
});
