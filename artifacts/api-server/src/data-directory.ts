import { resolve } from 'node:path';

/** What this machine keeps: in the folder that we are started in. */
export const DATA_DIRECTORY = resolve('.data');
