import { defineConfig } from 'drizzle-kit';

// Without DATABASE_URL, `pnpm drizzle-kit migrate` has no server to reach: `pnpm db:migrate` at the root starts the embedded one.
// oxlint-disable-next-line node/no-process-env
const url = process.env['DATABASE_URL'];

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/schema.ts',
  out: './migrations',
  ...(url ? { dbCredentials: { url } } : {}),
});
