/** Where the files are that are served as they are. The build of one folder has another module in place of this one. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PAGE_DIRECTORY = fileURLToPath(new URL('../../web/dist', import.meta.url));
export const API_REFERENCE_DIRECTORY = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
