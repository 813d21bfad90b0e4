/**
 * Makes what `pnpm pack` packs of this package: the history alone, as JavaScript with types, in `dist/`. Its manifest names
 * nothing else, so that who installs it gets neither the ledger nor an embedded server.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { readOptions } from '../../../scripts/read-options.ts';
import packageJson from '../package.json' with { type: 'json' };

readOptions('Usage: pnpm pack', { options: {} });

const folder = fileURLToPath(new URL('..', import.meta.url));
const dist = `${folder}dist`;

const { name, version, license, type, peerDependencies, peerDependenciesMeta } = packageJson;
const entry = { types: './history/index.d.ts', default: './history/index.js' };
const manifest = {
  name,
  version,
  description: 'Conversation history in PostgreSQL, beside the tables of a Drizzle app',
  license,
  type,
  engines: { node: '>=22' },
  exports: { './history': entry },
  files: ['history'],
  peerDependencies,
  peerDependenciesMeta,
};

/** The part of the README that is about it. */
function readmeOfHistory(): string {
  const readme = readFileSync(`${folder}README.md`, 'utf8');
  return `# ${name}/history\n\n${/^## The history alone\n+(.*?)(?=^## )/ms.exec(readme)![1]!.trimEnd()}\n`;
}

rmSync(dist, { recursive: true, force: true });
execFileSync(`${folder}../../node_modules/.bin/tsc`, ['-p', 'tsconfig.history.json'], {
  cwd: folder,
  stdio: 'inherit',
});
copyFileSync(`${folder}../../LICENSE`, `${dist}/LICENSE`);
writeFileSync(`${dist}/README.md`, readmeOfHistory());
writeFileSync(`${dist}/package.json`, `${JSON.stringify(manifest, undefined, 2)}\n`);
