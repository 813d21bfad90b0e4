import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  beat,
  type ClaimContent,
  placeOf,
  publishClaim,
  readClaim,
  removeClaimsBefore,
  withdrawClaim,
} from './claim-file.ts';
import { cleanUp, temporaryFolder } from './fixture.ts';

afterEach(cleanUp);

const contentFor = async (directory: string, holder: string): Promise<ClaimContent> => ({
  nonce: randomUUID(),
  holder,
  host: hostname(),
  place: await placeOf(directory),
  pipe: '',
});

/** As a start does that finds nothing in its way. */
async function claim(directory: string, holder: string) {
  const own = await publishClaim(directory, await contentFor(directory, holder), await readClaim(directory));
  if (own) await removeClaimsBefore(own);
  return own;
}

test('of any number that follow a claim at once, one does', async () => {
  const directory = temporaryFolder();
  for (const round of ['first', 'second']) {
    const judged = await readClaim(directory);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        publishClaim(directory, await contentFor(directory, `${round} ${index}`), judged),
      ),
    );
    const winners = outcomes.filter((own) => own !== undefined);
    expect(winners).toHaveLength(1);
    expect((await readClaim(directory))?.nonce).toBe(winners[0]?.content.nonce);
  }
  expect(readdirSync(directory).toSorted(), 'no draft is left').toEqual(['claim.1', 'claim.2']);
});

test('who was frozen between judging and following does not follow somebody who is gone by then', async () => {
  const directory = temporaryFolder();
  await claim(directory, 'dead');
  const judged = await readClaim(directory);
  const between = await claim(directory, 'between');
  await withdrawClaim(between!);
  expect(await publishClaim(directory, await contentFor(directory, 'late'), judged)).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);

  const alive = await claim(directory, 'alive');
  expect(await publishClaim(directory, await contentFor(directory, 'late'), judged)).toBeUndefined();
  expect((await readClaim(directory))?.nonce).toBe(alive!.content.nonce);
});

test('who was frozen does not come before those who came later', async () => {
  const directory = temporaryFolder();
  await claim(directory, 'first');
  await claim(directory, 'second');
  const third = await claim(directory, 'third');
  expect(await publishClaim(directory, await contentFor(directory, 'late'), undefined)).toBeUndefined();
  expect(readdirSync(directory)).toEqual(['claim.3']);
  expect(await beat(third!)).toBeUndefined();
});

test('a holder learns with its next beat who followed it', async () => {
  const directory = temporaryFolder();
  const own = await claim(directory, 'first');
  expect(await beat(own!)).toBeUndefined();
  await claim(directory, 'second');
  expect(await beat(own!)).toMatchObject({ holder: 'second', generation: 2 });
  await withdrawClaim(own!);
  expect((await readClaim(directory))?.holder, 'and takes nothing away').toBe('second');
});

test('a beat shows, and writes no data', async () => {
  const directory = temporaryFolder();
  const own = await claim(directory, 'first');
  const text = await readFile(join(directory, 'claim.1'), 'utf8');
  const before = await readClaim(directory);
  const beatAgain = async () => {
    await beat(own!);
    return (await readClaim(directory))?.beatAt;
  };
  await expect.poll(beatAgain).not.toBe(before?.beatAt);
  expect(await readFile(join(directory, 'claim.1'), 'utf8')).toBe(text);
});

test('a claim that was removed by hand comes back, unless somebody claimed the directory since', async () => {
  const directory = temporaryFolder();
  const own = await claim(directory, 'first');
  await rm(join(directory, 'claim.1'));
  expect(await beat(own!)).toBeUndefined();
  expect((await readClaim(directory))?.nonce).toBe(own!.content.nonce);
  await rm(join(directory, 'claim.1'));
  await claim(directory, 'second');
  expect(await beat(own!)).toMatchObject({ holder: 'second' });
  await withdrawClaim(own!);
  expect(await readClaim(directory), 'whose claim stays').toMatchObject({ holder: 'second' });
});

test('a claim does not lead to a file outside the directory', async () => {
  const directory = temporaryFolder();
  const outside = join(temporaryFolder(), 'alive.kept');
  await writeFile(outside, '');
  const { nonce, place } = await contentFor(directory, 'planted');
  const lines = [nonce, 'planted', '', place.volume, place.inode, join('..', '..', outside)];
  await writeFile(join(directory, 'claim.1'), lines.join('\n'));
  await claim(directory, 'second');
  expect(existsSync(outside)).toBe(true);
  expect(readdirSync(directory)).toEqual(['claim.2']);
});
