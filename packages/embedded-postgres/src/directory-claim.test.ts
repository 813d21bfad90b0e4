import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { isPipeHeld, makePipe } from './alive-pipe.ts';
import { type ClaimContent, readClaim } from './claim-file.ts';
import { claimDirectory, type DirectoryClaim, TAKEOVER_MS } from './directory-claim.ts';
import { cleanUp, initialisedDirectory, query, removeTemplate, temporaryFolder } from './fixture.ts';
import { BEAT_MS } from './heartbeat.ts';
import { openEmbedded } from './open.ts';
import { isRunning, waitUntilGone } from './process.ts';

// Shorter than a takeover takes for which only silence speaks; where a PostgreSQL is started, that takes its time.
vi.setConfig({ testTimeout: TAKEOVER_MS - 1_000 });
const claims: DirectoryClaim[] = [];
afterEach(async () => {
  await Promise.all(claims.splice(0).map((claimed) => claimed.abandon()));
  await cleanUp();
});
afterAll(removeTemplate);

async function claim(directory: string, holder: string): Promise<DirectoryClaim> {
  const claimed = await claimDirectory(directory, { holder, adopting: false });
  claims.push(claimed);
  return claimed;
}

/** As somebody else would leave it, on a machine that is not this one. */
async function plantClaim(directory: string, { generation = 1, pipe = '' }: { generation?: number; pipe?: string }) {
  const path = join(directory, `claim.${generation}`);
  const content: ClaimContent = {
    nonce: randomUUID(),
    holder: 'stranger pid 1',
    host: 'elsewhere',
    place: { volume: 'another kernel', inode: '1' },
    pipe,
  };
  const { nonce, holder, host, place } = content;
  await writeFile(path, [nonce, holder, host, place.volume, place.inode, pipe].join('\n'));
  return path;
}

async function whileBeating(path: string, act: () => Promise<void>): Promise<void> {
  const beats = setInterval(() => void utimes(path, new Date(), new Date()), BEAT_MS);
  await act().finally(() => clearInterval(beats));
}

const refusal = { code: 'unavailable', fields: { holder: 'stranger pid 1' } };

test('of any number of starts at once one claims the directory, and the others name it', async () => {
  const directory = temporaryFolder();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => claim(directory, `start ${index}`)),
  );
  const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
  const losers = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(losers).toHaveLength(9);
  expect(new Set(losers.map(({ reason }) => reason.fields.holder))).toEqual(new Set([`start ${winner}`]));
  expect(readdirSync(directory), 'losers leave nothing').toHaveLength(2);
});

test('what is given back can be had at once, and leaves nothing', async () => {
  const directory = temporaryFolder();
  const first = await claim(directory, 'first');
  await first.release();
  expect(readdirSync(directory)).toEqual([]);
  await (await claim(directory, 'second')).release();
});

test('of any number that follow a dead holder of this machine, one does, and at once', async () => {
  const directory = temporaryFolder();
  await (await claim(directory, 'dead')).abandon();
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map((index) => claim(directory, `start ${index}`)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('a holder that is there but silent is not followed', async () => {
  const directory = temporaryFolder();
  const pipe = await makePipe(directory);
  await plantClaim(directory, { pipe: pipe!.name });
  await expect(claim(directory, 'second')).rejects.toMatchObject({
    ...refusal,
    message: expect.stringContaining('gives no sign of life'),
  });
  pipe?.close();
});

test('a holder on another machine that beats is not followed', async () => {
  const directory = temporaryFolder();
  await whileBeating(await plantClaim(directory, {}), async () => {
    await expect(claim(directory, 'second')).rejects.toMatchObject({
      ...refusal,
      message: expect.stringContaining('stranger pid 1 on elsewhere'),
    });
  });
});

test('who adopts a PostgreSQL takes over the pipe that it holds: it is seen when its new owner is gone as well', async () => {
  const directory = temporaryFolder();
  const first = await claim(directory, 'first');
  const postgres = spawn('/bin/sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', first.pipe!.descriptor] });
  await first.abandon();
  const second = await claimDirectory(directory, { holder: 'second', adopting: true });
  await second.abandon();
  await expect(claim(directory, 'third')).rejects.toMatchObject({ fields: { holder: 'second' } });
  postgres.kill('SIGKILL');
  await claim(directory, 'third');
});

test('who adopts a PostgreSQL does not follow another machine that follows its owner', async () => {
  const directory = temporaryFolder();
  await (await claim(directory, 'owner')).abandon();
  await whileBeating(await plantClaim(directory, { generation: 2 }), async () => {
    await expect(claimDirectory(directory, { holder: 'adopter', adopting: true })).rejects.toMatchObject(refusal);
  });
});

test('what a copy made of a pipe is none', async () => {
  const directory = temporaryFolder();
  await writeFile(join(directory, 'alive.copied'), '');
  expect(isPipeHeld(directory, 'alive.copied')).toBeUndefined();
});

test('a copy of a claimed directory is nobody’s', async () => {
  const [directory, copy] = [temporaryFolder(), temporaryFolder()];
  await claim(directory, 'first');
  const { nonce, holder, host, place } = (await readClaim(directory))!;
  await writeFile(join(copy, 'claim.1'), [nonce, holder, host, place.volume, place.inode, ''].join('\n'));
  await claim(copy, 'second');
  await expect(claim(directory, 'third')).rejects.toMatchObject({ fields: { holder: 'first' } });
});

/** Opens a database, lets somebody else claim its directory, and resolves once that was noticed. */
async function loseTo(successor: (pipe: string) => { pipe?: string }) {
  const directory = await initialisedDirectory();
  const lost = Promise.withResolvers<Error>();
  const losses: Error[] = [];
  const server = await openEmbedded(directory, {
    label: 'first',
    onLost(cause) {
      losses.push(cause);
      lost.resolve(cause);
    },
  });
  await plantClaim(directory, { generation: 2, ...successor((await readClaim(directory))!.pipe) });
  return { server, cause: await lost.promise, losses };
}

test('who finds another claim stops its PostgreSQL at once, and says so', { timeout: 60_000 }, async () => {
  const { server, cause, losses } = await loseTo(() => ({}));
  expect(cause.message).toContain('stranger pid 1 on elsewhere');
  expect(await waitUntilGone(server.pid, 30_000)).toBe(true);
  await server.stop();
  expect(losses).toHaveLength(1);
});

test('who finds that its PostgreSQL was adopted leaves it running', { timeout: 60_000 }, async () => {
  const { server, losses } = await loseTo((pipe) => ({ pipe }));
  await server.stop();
  expect(isRunning(server.pid)).toBe(true);
  expect(await query(server.url(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(losses).toHaveLength(1);
});
