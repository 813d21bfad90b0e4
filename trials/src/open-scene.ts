import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openSimulatedWallet } from '@timmy-tower/lightning';

import { openDurableDatabase, useDatabase } from './database.ts';
import { Journal } from './journal.ts';
import { Scene } from './scene.ts';

/**
 * A new working directory, a database, and a wallet beside the servers' own: all gone in the end, and with them whatever
 * servers the scene has by then.
 */
export async function openScene(opening: AsyncDisposableStack, databaseUrl?: string): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'timmy-tower-trial-'));
  opening.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  await chmod(directory, 0o755); // as root, PostgreSQL runs as somebody else
  const database = opening.use(
    databaseUrl === undefined ? await openDurableDatabase(join(directory, 'postgres')) : useDatabase(databaseUrl),
  );
  const wallet = await openSimulatedWallet({ directory: join(directory, '.data', 'simulated-wallet') });
  opening.defer(() => wallet.close());
  const scene = new Scene({ directory, database, wallet, journal: new Journal() });
  opening.defer(async () => {
    await Promise.all(scene.servers.map((server) => server.kill()));
  });
  return scene;
}
