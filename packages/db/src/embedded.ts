export { type EmbeddedPostgres } from './embedded-types.ts';
export { startThrowawayPostgres } from './embedded-throwaway.ts';
