/**
 * The page's files, read once and kept in memory; each is compressed when it is first asked for, not while the server starts.
 * Nothing outside the folder can be asked for.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

export interface PageFile {
  /** From the root, like `/assets/index-abc.js`. */
  readonly path: string;
  readonly type: string;
  readonly plain: Bytes;
  readonly compressed: (encoding: Encoding) => Promise<Bytes>;
}

export type Encoding = keyof typeof compressors;
type Bytes = Uint8Array<ArrayBuffer>;

const compressors = {
  br: (plain: Bytes) => promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: (plain: Bytes) => promisify(gzip)(plain),
};

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

/** @returns undefined when the page was not built: the API works without it */
export async function readPage(directory: string): Promise<readonly PageFile[] | undefined> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    return await Promise.all(files.map((file) => readPageFile(directory, file)));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readPageFile(directory: string, file: string): Promise<PageFile> {
  const plain = new Uint8Array(await readFile(file));
  const done = new Map<Encoding, Promise<Bytes>>();
  return {
    path: `/${file.slice(directory.length).replaceAll('\\', '/').replace(/^\//, '')}`,
    type: types[extname(file)] ?? 'application/octet-stream',
    plain,
    compressed(encoding) {
      const bytes = done.get(encoding) ?? compressors[encoding](plain).then((buffer) => new Uint8Array(buffer));
      done.set(encoding, bytes);
      return bytes;
    },
  };
}
