// Fails when something that we ship depends on is under a licence that does not go with MIT, or under none that it names.
import { existsSync, globSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const allowed = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'PostgreSQL',
  'BlueOak-1.0.0',
  'Unlicense',
]);

const isAllowed = (licence) =>
  licence
    .replace(/^\(|\)$/g, '')
    .split(' OR ')
    .some((choice) => allowed.has(choice));

/** Where Node finds a package from another one's folder; undefined for one that is not installed here. */
function findPackage(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(found)) return realpathSync(found);
    if (folder === dirname(folder)) return undefined;
  }
}

const seen = new Map();
const faults = [];

function check(folder) {
  if (seen.has(folder)) return;
  const { name, version, license, dependencies, optionalDependencies, peerDependencies } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  seen.set(folder, name);
  if (!isAllowed(typeof license === 'string' ? license : ''))
    faults.push(`${name}@${version}: ${license ?? 'no licence'}`);
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    const found = findPackage(dependency, folder);
    if (found) check(found);
  }
}

for (const manifest of globSync(['package.json', 'packages/*/package.json', 'artifacts/*/package.json'], {
  cwd: root,
})) {
  check(dirname(join(root, manifest)));
}
if (faults.length > 0) {
  console.error(`Licences that need a look:\n  ${faults.join('\n  ')}`);
  process.exitCode = 1;
} else {
  console.log(`The licences of all ${seen.size} packages go with MIT.`);
}
