// Whether somebody lives, by the kernel's own word: a named pipe that the living hold open for reading, and that nobody ever
// writes to. Its readers are counted whatever pid namespace (container) they are in; children inherit it; and it is let go
// the moment that the last of them is gone, however they went. A frozen process still holds it.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverEnvironment } from './binaries.ts';
import { keepPrivate } from './directory.ts';
import { codeOf } from './process.ts';

const run = promisify(execFile);

export const PIPE_PREFIX = 'alive.';

export interface AlivePipe {
  readonly name: string;
  /** What a child is to inherit. */
  readonly descriptor: number;
  /** Lets go of it; whoever inherited it holds it still. */
  close(): void;
}

/** Makes and holds a pipe in the directory. Undefined where the file system has none. */
export async function makePipe(directory: string): Promise<AlivePipe | undefined> {
  const name = `${PIPE_PREFIX}${randomUUID()}`;
  const path = join(directory, name);
  try {
    await run('/bin/sh', ['-c', 'mkfifo -m 600 "$0"', path], { env: serverEnvironment });
  } catch {
    return undefined;
  }
  await keepPrivate(path, directory);
  return holdPipe(directory, name);
}

/** Holds a pipe that is there, as one more reader. Undefined when it is not. */
export function holdPipe(directory: string, name: string): AlivePipe | undefined {
  try {
    const descriptor = openSync(join(directory, name), constants.O_RDONLY | constants.O_NONBLOCK);
    return { name, descriptor, close: () => closeSync(descriptor) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined: there is no telling. A pipe without readers that is opened for writing, without waiting, fails with ENXIO: fifo(7). */
export function isPipeHeld(directory: string, name: string): boolean | undefined {
  try {
    const descriptor = openSync(join(directory, name), constants.O_WRONLY | constants.O_NONBLOCK);
    const isPipe = fstatSync(descriptor).isFIFO(); // not where a copy was made that knows no pipes
    closeSync(descriptor);
    return isPipe || undefined;
  } catch (error) {
    return codeOf(error) === 'ENXIO' ? false : undefined;
  }
}

/** For a pipe that nobody needs any more. */
export const removePipe = async (directory: string, name: string): Promise<void> =>
  rm(join(directory, name), { force: true });
