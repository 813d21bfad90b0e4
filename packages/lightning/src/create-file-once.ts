import { randomUUID } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Creates a file with all of its content, readable by its owner alone, unless it exists. Of any number of processes that
 * try at once exactly one succeeds, and one that is killed leaves the file complete or absent. Once true, it is on disk.
 * @returns whether this call created it
 */
export async function createFileOnce(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}.draft`;
  try {
    await writeDurably(draft, content);
    await link(draft, path);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  await syncDirectory(dirname(path));
  return true;
}

/** Whether the operating system gave this code, such as `ENOENT`. */
export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function writeDurably(path: string, content: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await file.writeFile(content);
  await file.sync();
}

/** A new name in a directory survives a power cut only once the directory itself is on disk. */
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}
