// Builds the page when it is missing or older than what it is made of: a third of a second, and only then.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('../artifacts/web', import.meta.url));
const contract = fileURLToPath(new URL('../packages/contract/src', import.meta.url));
const lockfile = fileURLToPath(new URL('../pnpm-lock.yaml', import.meta.url));
const vite = join(web, 'node_modules/vite/bin/vite.js');
const built = join(web, 'dist/index.html');

const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

function isFresh() {
  if (!existsSync(built)) return false;
  const sources = [join(web, 'src'), join(web, 'public'), contract].flatMap(filesIn);
  const all = [...sources, join(web, 'index.html'), join(web, 'vite.config.ts'), lockfile];
  const builtAt = statSync(built).mtimeMs;
  return all.every((file) => statSync(file).mtimeMs <= builtAt);
}

if (existsSync(vite) && !isFresh()) {
  const { status } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: web, stdio: 'inherit' });
  if (status !== 0) {
    console.error('The page could not be built: the API works, and GET / shows the last page that was built, if any.');
  }
}
