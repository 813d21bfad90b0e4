/** Looks at a database before it is used: what we cannot work with is refused by name, what an operator should know is told. */
import { AppError } from '@timmy-tower/contract';
import { sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';

import { connectionConfig, type ConnectionOptions, type Settings } from './connection.ts';
import { adjustedFor, advised, limits, required, type Requirement } from './database-requirements.ts';
import { sqlState, toAppError, unavailable } from './pg-error.ts';

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
  const settings = options.pooler ? {} : adjustmentsOf(found, options.timeLimits === true);
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
      throw !options.pooler && isStartupRefused(error) ? startupSettingsLost(error) : unavailable(error);
    });
    return await readSettings(drizzle(client));
  } catch (error) {
    throw toAppError(error);
  } finally {
    await client.end();
  }
}

async function readSettings(db: NodePgDatabase): Promise<Found> {
  const names = [...required, ...advised, ...limits, ...adjustedFor(true)].map(({ setting }) => setting);
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

/** What the URL itself says is the operator's will. */
function adjustmentsOf({ settings }: Found, timeLimits: boolean): Settings {
  const needed = adjustedFor(timeLimits).filter(({ setting, isMet }) => {
    const found = settings.get(setting);
    return found !== undefined && found.source !== 'client' && !isMet(found.setting);
  });
  return Object.fromEntries(needed.map(({ setting, value }) => [setting, value]));
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
  if (setting === 'search_path' && !settings.get(setting)?.setting)
    return 'Make such a schema, or GRANT its role the use.';
  if (settings.get(setting)?.source === 'client') return `It comes from the database's URL: take it out there.`;
  const alter = where === 'server' ? 'ALTER SYSTEM' : alterRole;
  return `Run: ${alter} SET ${setting} = '${value}'; then a pooler has to RECONNECT.`;
}

// 08P01, protocol_violation: PgBouncer's "unsupported startup parameter". 0A000, feature_not_supported: other proxies' word.
const isStartupRefused = (error: unknown) => ['08P01', '0A000'].includes(sqlState(error) ?? '');

const startupSettingsLost = (cause?: unknown) =>
  new AppError(
    'unavailable',
    'Something between here and PostgreSQL refuses or drops the settings that a connection starts with, as poolers do. ' +
      `Set DATABASE_POOLER=transaction (in code: openDatabase's option pooler: 'transaction').`,
    { cause },
  );
