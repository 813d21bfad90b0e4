// Starts what is there, without a registry and without pnpm: `node_modules/.bin/node scripts/start.mjs`.
import { existsSync } from 'node:fs';

await import('./preflight.mjs');
if (existsSync(new URL('../artifacts/api-server/node_modules', import.meta.url))) {
  await import('./build-page.mjs');
  await import('../artifacts/api-server/src/main.ts');
} else {
  console.error('Nothing is installed here yet: run `npx -y pnpm@12 install` once, with a registry in reach.');
  process.exitCode = 1;
}
