import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'drizzle-kit';

import { migrationsTable } from './src/migrations-table.ts';

// Without DATABASE_URL, `pnpm drizzle-kit migrate` has no server to reach: `pnpm db:migrate` at the root starts the embedded one.
// oxlint-disable-next-line node/no-process-env
const url = process.env['DATABASE_URL'];

// Ours goes first. By itself drizzle-kit takes no lock, goes past tables of others and newer versions, does not find what
// version 0.1.0 wrote down elsewhere, and says nothing when it fails.
if (url && process.argv.includes('migrate')) {
  const migrate = fileURLToPath(new URL('src/migrate-cli.ts', import.meta.url));
  const { status } = spawnSync(process.execPath, [migrate], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/schema.ts',
  out: './migrations',
  migrations: migrationsTable,
  ...(url ? { dbCredentials: { url } } : {}),
});
