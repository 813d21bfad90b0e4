/**
 * Where it is written down which migrations a database has. Not in Drizzle's own table: every Drizzle app in one database
 * shares that, and takes the others' entries for its own. drizzle.config.ts names this one too.
 */
export const migrationsTable = { schema: 'public', table: 'timmy_tower_migrations' } as const;
