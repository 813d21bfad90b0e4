/** Looks at a database before it is used: what we cannot work with is refused by name, what an operator should know is told. */
import { AppError } from '@timmy-tower/contract';
import { sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';

import { connectionConfig, type ConnectionOptions, LIMIT_SETTINGS, type Settings } from './connection.ts';
import { sqlState, toAppError, unavailable } from './pg-error.ts';

interface Requirement {
  readonly setting: string;
  /** What it can be set to, by `where`. */
  readonly value: string;
  readonly isMet: (found: string) => boolean;
  readonly reason: string;
  readonly where: 'role' | 'server' | 'database';
}

const required: readonly Requirement[] = [
  {
    setting: 'server_encoding',
    value: 'UTF8',
    isMet: (found) => found === 'UTF8',
    reason: 'people write in any script',
    where: 'database',
  },
  {
    setting: 'DateStyle',
    value: 'ISO',
    isMet: (found) => found.startsWith('ISO'),
    reason: 'times are read from their text',
    where: 'role',
  },
  {
    setting: 'search_path',
    value: 'public',
    isMet: (found) => found === 'public',
    reason: 'its tables are in that schema, and another may have tables of the same names',
    where: 'role',
  },
  {
    setting: 'default_transaction_isolation',
    value: 'read committed',
    isMet: (found) => found === 'read committed',
    reason: 'the steps of a turn are written for it',
    where: 'role',
  },
  {
    setting: 'default_transaction_read_only',
    value: 'off',
    isMet: (found) => found === 'off',
    reason: 'nothing could be stored',
    where: 'role',
  },
  {
    setting: 'session_replication_role',
    value: 'origin',
    isMet: (found) => found !== 'replica',
    reason: 'the triggers that keep the ledger would not run',
    where: 'role',
  },
];

const advised: readonly Requirement[] = [
  {
    setting: 'synchronous_commit',
    value: 'on',
    isMet: (found) => found !== 'off',
    reason: 'a payment that was acknowledged could be lost in a crash',
    where: 'role',
  },
  {
    setting: 'fsync',
    value: 'on',
    isMet: (found) => found === 'on',
    reason: 'all of it could be lost in a power cut',
    where: 'server',
  },
];

const limits: readonly Requirement[] = Object.entries(LIMIT_SETTINGS).map(([setting, value]) => ({
  setting,
  value,
  isMet: (found) => Number(found) > 0 && Number(found) <= Number.parseInt(value, 10),
  reason: 'whoever is stuck would keep others waiting',
  where: 'role',
}));

type FoundSetting = {
  readonly name: string;
  /** Without a unit: times in ms. */
  readonly setting: string;
  /** `client`: said by this very connection as it started (PostgreSQL 18, pg_settings). */
  readonly source: string;
};

interface Found {
  readonly settings: ReadonlyMap<string, FoundSetting>;
  /** What the settings of the role in this database are changed with. */
  readonly alterRole: string;
}

export interface InspectedDatabase {
  /** What its connections have to be told besides. */
  readonly settings: Settings;
  /** What its operator should know, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * @throws {AppError} `unavailable` when the database cannot be reached, or when something about it has to be changed first:
 * the message names the setting, and says how
 */
export async function inspectDatabase(url: string, options: ConnectionOptions): Promise<InspectedDatabase> {
  const found = await look(url, options);
  if (!options.pooler && found.settings.get('default_transaction_isolation')?.source !== 'client') {
    throw startupSettingsLost();
  }
  const wrong = unmet(found, required);
  if (wrong.length > 0) throw refusal(found, wrong);
  const settings = options.pooler ? {} : durability(found);
  const told = unmet(found, [...advised, ...(options.timeLimits ? limits : [])]);
  return {
    settings,
    warnings: told.filter(({ setting }) => !(setting in settings)).map((requirement) => describe(found, requirement)),
  };
}

async function look(url: string, options: ConnectionOptions): Promise<Found> {
  const client = new pg.Client(connectionConfig(url, options));
  client.on('error', () => {}); // the statement that it breaks says so
  try {
    await client.connect().catch((error: unknown) => {
      throw isStartupRefused(error) ? startupSettingsLost(error) : unavailable(error);
    });
    return await readSettings(drizzle(client));
  } catch (error) {
    throw toAppError(error);
  } finally {
    await client.end();
  }
}

async function readSettings(db: NodePgDatabase): Promise<Found> {
  const names = [...required, ...advised, ...limits].map(({ setting }) => setting);
  const settings = await db.execute<FoundSetting>(
    sql`SELECT name, setting, source FROM pg_settings WHERE name IN ${names}`,
  );
  const place = await db.execute<{ schema: string | null; alter_role: string }>(
    sql`SELECT current_schema() AS schema, format('ALTER ROLE %I IN DATABASE %I', session_user, current_database()) AS alter_role`,
  );
  const { schema, alter_role: alterRole } = place.rows[0]!;
  const found = new Map(settings.rows.map((setting) => [setting.name, setting]));
  // What matters of the path is where a name without a schema leads.
  const path = found.get('search_path');
  if (path) found.set(path.name, { ...path, setting: schema ?? '' });
  return { settings: found, alterRole };
}

const unmet = ({ settings }: Found, requirements: readonly Requirement[]) =>
  requirements.filter(({ setting, isMet }) => !isMet(settings.get(setting)?.setting ?? ''));

/** Commits wait for the disk, unless the URL itself says that they need not. */
function durability({ settings }: Found): Settings {
  const found = settings.get('synchronous_commit');
  return found?.setting === 'off' && found.source !== 'client' ? { synchronous_commit: 'on' } : {};
}

function refusal(found: Found, wrong: readonly Requirement[]): AppError {
  const each = wrong.map((requirement) => `  ${describe(found, requirement)}`);
  return new AppError('unavailable', `The database is set in a way that does not work:\n${each.join('\n')}`);
}

function describe(found: Found, requirement: Requirement): string {
  const { setting, value, reason } = requirement;
  const is = found.settings.get(setting)?.setting ?? '';
  return `${setting} is ${is || 'empty'} and should be ${value}: ${reason}. ${remedy(found, requirement)}`;
}

function remedy({ settings, alterRole }: Found, { setting, value, where }: Requirement): string {
  if (where === 'database') return `Create a database with ENCODING '${value}' TEMPLATE template0, and name that one.`;
  if (settings.get(setting)?.source === 'client') return `It comes from the database's URL: take it out there.`;
  const alter = where === 'server' ? 'ALTER SYSTEM' : alterRole;
  return `Run: ${alter} SET ${setting} = '${value}'; then have a pooler reconnect.`;
}

// 08P01, protocol_violation: PgBouncer's "unsupported startup parameter". 0A000, feature_not_supported: other proxies' word.
const isStartupRefused = (error: unknown) => ['08P01', '0A000'].includes(sqlState(error) ?? '');

const startupSettingsLost = (cause?: unknown) =>
  new AppError(
    'unavailable',
    'Something between here and PostgreSQL does not pass on the settings that a connection starts with, as poolers do not. ' +
      `Set DATABASE_POOLER=transaction (in code: openDatabase's option pooler: 'transaction').`,
    { cause },
  );
