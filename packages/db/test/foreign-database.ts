/** A database that others made and set in their own way, on the server of the tests, with a role of its own that owns it. */
import { randomBytes } from 'node:crypto';

import { administer, withDatabase } from '../src/testing.ts';

export interface ForeignHabits {
  /** What CREATE DATABASE says besides. */
  readonly created?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Whose settings they are; unless said otherwise, the database's. */
  readonly of?: 'database' | 'role' | 'role in database';
  /** What its URL says besides. */
  readonly options?: string;
  /** Run in the database by its owner, before we come. */
  readonly before?: string;
}

export interface ForeignDatabase extends AsyncDisposable {
  readonly url: string;
  /** The same, as the server's superuser. */
  readonly adminUrl: string;
  readonly role: string;
}

export async function createForeignDatabase(serverUrl: string, habits: ForeignHabits): Promise<ForeignDatabase> {
  const { created = '', before, options } = habits;
  const name = `foreign_${randomBytes(8).toString('hex')}`;
  const adminUrl = withDatabase(serverUrl, name);
  const url = new URL(adminUrl);
  url.username = name;
  url.password = name;
  await administer(serverUrl, `CREATE ROLE ${name} LOGIN PASSWORD '${name}'`);
  await administer(serverUrl, `CREATE DATABASE ${name} OWNER ${name} STRATEGY FILE_COPY ${created}`);
  if (before !== undefined) await administer(url.href, before, name);
  for (const statement of settingsOf(name, habits)) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, on one row of the catalogue
    await administer(serverUrl, statement);
  }
  if (options !== undefined) url.searchParams.set('options', options);
  return {
    url: url.href,
    adminUrl,
    role: name,
    async [Symbol.asyncDispose]() {
      await administer(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
      await administer(serverUrl, `DROP ROLE ${name}`);
    },
  };
}

function settingsOf(name: string, { settings = {}, of = 'database' }: ForeignHabits): string[] {
  const whose = {
    database: `DATABASE ${name}`,
    role: `ROLE ${name}`,
    'role in database': `ROLE ${name} IN DATABASE ${name}`,
  };
  return Object.entries(settings).map(([setting, value]) => `ALTER ${whose[of]} SET ${setting} = ${value}`);
}
