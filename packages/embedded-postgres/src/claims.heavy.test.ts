// What takes its time by nature: without the kernel's word only silence tells who is gone.
import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { readClaim } from './claim-file.ts';
import { claimDirectory, TAKEOVER_MS } from './directory-claim.ts';
import { cleanUp, runNode, firstLine, temporaryFolder } from './fixture.ts';
import { BEAT_MS, GIVE_UP_MS } from './heartbeat.ts';

afterAll(cleanUp);

const claim = async (directory: string, holder: string) => claimDirectory(directory, { holder, adopting: false });

const beatOf = async (directory: string) => (await readClaim(directory))?.beatAt;

/** Resolves with the next beat. */
async function nextBeat(directory: string, last: number | undefined): Promise<number | undefined> {
  for (;;) {
    const now = await beatOf(directory);
    if (now !== last) return now;
    await delay(50);
  }
}

const sinceStart = async <T>(promise: Promise<T>): Promise<number> => {
  const startedAt = performance.now();
  await promise;
  return performance.now() - startedAt;
};

describe.concurrent('without the kernel’s word', () => {
  test.for([
    ['on another machine', 'nonce\nstranger pid 1\nelsewhere\nanother kernel\n1\n\n'],
    ['whose claim was torn by a power cut', ''],
  ] as const)('a silent holder %s is followed by one, and not before its time', async ([, text]) => {
    const directory = temporaryFolder();
    await writeFile(join(directory, 'claim.7'), text);
    const starts = ['a', 'b', 'c'].map((name) => claim(directory, name));
    expect(await sinceStart(Promise.race(starts))).toBeGreaterThan(TAKEOVER_MS);
    const outcomes = await Promise.allSettled(starts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value.release();
  });

  test('a holder that cannot beat gives up before anybody may follow it', async () => {
    const directory = temporaryFolder();
    const first = await claim(directory, 'first');
    await rename(directory, `${directory}-away`);
    const waitedMs = await sinceStart(first.lost);
    expect(waitedMs).toBeGreaterThan(GIVE_UP_MS - BEAT_MS);
    expect(waitedMs).toBeLessThan(TAKEOVER_MS);
    await rename(`${directory}-away`, directory);
    await first.abandon();
  });

  test('a holder whose disk does not answer gives up as well', async () => {
    const directory = temporaryFolder();
    const first = await claim(directory, 'first');
    const stuck = join(directory, 'claim.9');
    execFileSync('mkfifo', [stuck]); // reading it waits for somebody who writes
    expect((await first.lost).cause.message).toContain('no answer');
    await (await open(stuck, constants.O_WRONLY | constants.O_NONBLOCK)).close();
    await first.abandon();
  });

  test('a short outage is no loss', async () => {
    const directory = temporaryFolder();
    const first = await claim(directory, 'first');
    await rename(directory, `${directory}-away`);
    await delay(GIVE_UP_MS / 2);
    await rename(`${directory}-away`, directory);
    const before = await beatOf(directory);
    let loss: unknown;
    void first.lost.then((it) => (loss = it));
    await nextBeat(directory, before);
    expect(loss).toBeUndefined();
    await first.release();
  });

  test('a holder that was frozen for long, and not followed, goes on', async () => {
    const directory = temporaryFolder();
    const module = new URL('./directory-claim.ts', import.meta.url).href;
    const holder = runNode(`
      const { claimDirectory } = await import('${module}');
      const { lost } = await claimDirectory(${JSON.stringify(directory)}, { holder: 'frozen', adopting: false });
      lost.then(() => process.exit(1));
      setInterval(() => {}, 1000);
      console.log('{}');`);
    await firstLine(holder);
    holder.kill('SIGSTOP');
    await delay(GIVE_UP_MS + 2_000);
    const before = await beatOf(directory);
    holder.kill('SIGCONT');
    await nextBeat(directory, await nextBeat(directory, before));
    expect(holder.exitCode).toBeNull();
  });
});
