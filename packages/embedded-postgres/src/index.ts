export { openBeside, openEmbedded, type OpenOptions } from './open.ts';
export type { EmbeddedPostgres } from './types.ts';
