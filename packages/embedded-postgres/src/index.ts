export { openEmbedded } from './open.ts';
export type { EmbeddedPostgres } from './types.ts';
