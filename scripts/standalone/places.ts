/** In place of `artifacts/api-server/src/places.ts`, as seen from `lib/` of the built folder. */
import { fileURLToPath } from 'node:url';

export const PAGE_DIRECTORY = fileURLToPath(new URL('../page', import.meta.url));
export const API_REFERENCE_DIRECTORY = fileURLToPath(new URL('../api-reference', import.meta.url));
