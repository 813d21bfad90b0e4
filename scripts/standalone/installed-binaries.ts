/** In place of `packages/embedded-postgres/src/installed-binaries.ts`, as seen from `lib/` of the built folder. */
import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Contents {
  readonly platform: string;
  /** From each link to the file beside it that it leads to. */
  readonly links: Readonly<Record<string, string>>;
}

const FOLDER = fileURLToPath(new URL('../postgres', import.meta.url));

/** @throws {Error} when the folder was built on another platform, or where there is no PostgreSQL for it */
export async function installedBinaries(platform: string): Promise<{ postgres: string; initdb: string }> {
  const contents: Contents = JSON.parse(await readFile(join(FOLDER, 'contents.json'), 'utf8'));
  if (contents.platform !== platform) throw new Error(`This folder was built for ${contents.platform}.`);
  await makeLinks(contents.links);
  return { postgres: join(FOLDER, 'bin', 'postgres'), initdb: join(FOLDER, 'bin', 'initdb') };
}

/**
 * Packages of npm hold no links. PostgreSQL itself runs without them (`copy-postgres.mjs`), so that a folder in which we may
 * not write is no fault.
 */
async function makeLinks(links: Contents['links']): Promise<void> {
  for (const [link, target] of Object.entries(links)) {
    if (existsSync(join(FOLDER, link))) continue;
    await symlink(basename(target), join(FOLDER, link)).catch(() => {});
  }
}
