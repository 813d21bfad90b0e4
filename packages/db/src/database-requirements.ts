/** How a database has to be set for us. A habit of databases that matters is one more row. */
import { LIMIT_SETTINGS } from './connection.ts';
import { TIME_LIMITS_MS } from './time-limits.ts';

export interface Requirement {
  readonly setting: string;
  /** What it can be set to, by `where`. */
  readonly value: string;
  readonly isMet: (found: string) => boolean;
  readonly reason: string;
  readonly where: 'role' | 'server' | 'database';
}

/** Without these nothing works: refused. */
export const required: readonly Requirement[] = [
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

const synchronousCommit: Requirement = {
  setting: 'synchronous_commit',
  value: 'on',
  isMet: (found) => found !== 'off',
  reason: 'a payment that was acknowledged could be lost in a crash',
  where: 'role',
};

/** Told, and gone on. */
export const advised: readonly Requirement[] = [
  synchronousCommit,
  {
    setting: 'fsync',
    value: 'on',
    isMet: (found) => found === 'on',
    reason: 'all of it could be lost in a power cut',
    where: 'server',
  },
];

/** What keeps whoever is stuck from keeping others waiting: told where a server lacks them. */
export const limits: readonly Requirement[] = Object.entries(LIMIT_SETTINGS).map(([setting, value]) => ({
  setting,
  value,
  isMet: (found) => Number(found) > 0 && Number(found) <= Number.parseInt(value, 10),
  reason: 'whoever is stuck would keep others waiting',
  where: 'role',
}));

/** Said to a connection only where it has to be: a stronger synchronous_commit stays, and older versions lack the others. */
export const adjustedFor = (timeLimits: boolean): readonly Pick<Requirement, 'setting' | 'value' | 'isMet'>[] => [
  synchronousCommit,
  { setting: 'idle_session_timeout', value: '0', isMet: (found) => found === '0' },
  timeLimits ? transactionLimit : { setting: 'transaction_timeout', value: '0', isMet: (found) => found === '0' },
];

/** Ending a transaction ends its connection. */
const transactionLimit = {
  setting: 'transaction_timeout',
  value: `${TIME_LIMITS_MS.transaction}ms`,
  isMet: (found: string) => Number(found) > 0 && Number(found) <= TIME_LIMITS_MS.transaction,
};
