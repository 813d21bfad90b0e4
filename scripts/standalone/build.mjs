// `pnpm build [folder]`: one folder, dist/timmy-tower if none is named, that Node 24 runs by itself, without pnpm, a registry or TypeScript:
//   bin/timmy-tower.mjs  looks at Node's version, and starts lib/main.js
//   lib                  the server with all its dependencies
//   migrations           where lib looks for them, as packages/db/src does: ../migrations
//   page, api-reference  what is served as it is
//   postgres             the embedded PostgreSQL of the platform that this runs on, if there is one
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { listShippedPackages, readLicences } from '../shipped-packages.mjs';
import { copyPostgres } from './copy-postgres.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const [target = join(root, 'dist/timmy-tower'), ...rest] = process.argv.slice(2);
const folder = resolve(target);
const page = join(root, 'artifacts/web/dist');
/** What is made here. Whatever else is in the folder (`.data` of a server, a file of settings) stays, and is handed on to nobody. */
const MADE = [
  'bin',
  'lib',
  'migrations',
  'page',
  'api-reference',
  'postgres',
  'package.json',
  'timmy-tower.service',
  'Dockerfile',
  '.dockerignore',
  'compose.yaml',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'THIRD-PARTY-LICENCES.txt',
];
const { version, description, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

if (rest.length > 0 || target.startsWith('-')) fail('It takes the folder to build into, and nothing else.');
if (existsSync(folder) && !isBuilt(folder)) fail(`${folder} is there, and holds something else.`);
if (!existsSync(join(page, 'index.html'))) fail('There is no page in artifacts/web/dist: it could not be built.');
for (const name of MADE) rmSync(join(folder, name), { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
bundle();
copyFiles();
const platform = `${process.platform}-${process.arch}`;
const hasPostgres = copyPostgres(platform, join(folder, 'postgres'));
writePackage();
const shown = relative(process.cwd(), folder) || '.';
console.log(
  `Built timmy-tower ${version} in ${shown}. Start it with Node 24: node ${join(shown, 'bin/timmy-tower.mjs')}`,
);
if (!hasPostgres) console.log(`There is no embedded PostgreSQL for ${platform}: it needs DATABASE_URL.`);

function bundle() {
  const vite = join(root, 'artifacts/web/node_modules/vite/bin/vite.js');
  const config = join(here, 'vite.config.mjs');
  const { status } = spawnSync(process.execPath, [vite, 'build', '--config', config, '--outDir', join(folder, 'lib')], {
    stdio: 'inherit',
  });
  if (status !== 0) fail('The server could not be bundled.');
}

function copyFiles() {
  const copy = (from, to) => cpSync(join(root, from), join(folder, to), { recursive: true });
  copy('scripts/standalone/timmy-tower.mjs', 'bin/timmy-tower.mjs');
  chmodSync(join(folder, 'bin/timmy-tower.mjs'), 0o755);
  copy('packages/db/migrations', 'migrations');
  copy('artifacts/web/dist', 'page');
  for (const name of ['timmy-tower.service', 'Dockerfile', 'compose.yaml']) copy(`scripts/standalone/${name}`, name);
  for (const name of ['LICENSE', 'CHANGELOG.md']) copy(name, name);
  copy('docs/operating.md', 'README.md');
  const require = createRequire(join(root, 'artifacts/api-server/package.json'));
  const reference = dirname(require.resolve('swagger-ui-dist/package.json'));
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    cpSync(join(reference, name), join(folder, 'api-reference', name));
  }
}

function writePackage() {
  const manifest = {
    name: 'timmy-tower',
    version,
    private: true, // it is handed on as a file: `npm pack`
    description,
    license,
    type: 'module',
    bin: { 'timmy-tower': 'bin/timmy-tower.mjs' },
    files: MADE,
    engines: { node: '>=24' },
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(folder, '.dockerignore'), ['*', ...MADE.map((name) => `!${name}`), ''].join('\n'));
  writeFileSync(join(folder, 'THIRD-PARTY-LICENCES.txt'), readLicences(listShippedPackages()));
}

/** It is built into what an earlier build left, or into nothing. */
function isBuilt(path) {
  const names = readdirSync(path);
  return names.length === 0 || (names.includes('THIRD-PARTY-LICENCES.txt') && names.includes('lib'));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
