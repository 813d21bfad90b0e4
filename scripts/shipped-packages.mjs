// The packages that what we ship is made of: our own, and what they depend on when they run.
import { existsSync, globSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Each with its folder, as far as they are installed here. */
export function listShippedPackages() {
  const seen = new Map();
  const add = (folder) => {
    if (seen.has(folder)) return;
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    seen.set(folder, { ...manifest, folder });
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = findPackage(dependency, folder);
      if (found) add(found);
    }
  };
  const manifests = globSync(['package.json', 'packages/*/package.json', 'artifacts/*/package.json'], { cwd: root });
  for (const manifest of manifests) add(dirname(join(root, manifest)));
  return [...seen.values()];
}

/** What their licences want to go with every copy. */
export function readLicences(packages) {
  const others = packages.filter(({ folder }) => folder.includes('node_modules'));
  const texts = others.map(({ name, version, license, folder }) => {
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
    const words = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...words].join('\n\n');
  });
  return `${texts.toSorted().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** Where Node finds a package from another one's folder; undefined for one that is not installed here. */
function findPackage(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(found)) return realpathSync(found);
    if (folder === dirname(folder)) return undefined;
  }
}
