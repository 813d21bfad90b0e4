import { randomUUID } from 'node:crypto';

import { AppError } from '@timmy-tower/contract';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { fundedSession, readSession, say, untilWaiting } from '../test/fixtures.ts';
import {
  namesIn,
  onDatabase,
  untilMigrationLock,
  versionsIn,
  withMigrations,
  withSlowMigration,
} from '../test/migrations.ts';
import { openProxy } from '../test/proxy.ts';
import journal from '../migrations/meta/_journal.json' with { type: 'json' };
import { migrateDatabase } from './migrate.ts';
import { connect, openDatabase } from './open.ts';
import { openEmptyDatabase, openTestDatabase, type UnmigratedDatabase } from './testing.ts';

const LOCK = 'SELECT pg_advisory_xact_lock(7466900001)';

let empty: UnmigratedDatabase;
beforeEach(async () => {
  empty = await openEmptyDatabase();
});
afterEach(() => empty.close());

/** While somebody else is in a transaction. */
async function whileInTransaction(
  name: string,
  statements: readonly string[],
  run: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: empty.url, application_name: name });
  await client.connect();
  try {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (const statement of ['BEGIN', ...statements]) await client.query(statement);
    await run(client);
  } finally {
    await client.end();
  }
}

async function untilMigrationWaits(): Promise<void> {
  const { db, close } = connect(empty.url);
  await untilWaiting(db, 1);
  await close();
}

describe('an empty database', () => {
  test('is migrated once, whoever of four servers starts first', async () => {
    const four = await Promise.all(Array.from({ length: 4 }, () => openDatabase(empty.url)));
    for (const { db } of four) await say(db, await fundedSession(db), 'hello', 'hello');
    expect(await versionsIn(empty.url)).toHaveLength(journal.entries.length);
    await Promise.all(four.map(({ close }) => close()));
  });

  test('is left as empty as it was when a migration fails', async () => {
    const before = await namesIn(empty.url);
    await using failing = await withMigrations('ALTER TABLE sessions ADD a integer', 'SELECT 1 / 0');
    await expect(migrateDatabase(empty.url, failing)).rejects.toMatchObject({
      name: 'AppError',
      message: 'The database could not be migrated: PostgreSQL error 22012. Nothing was changed.',
      cause: { code: '22012' },
    });
    expect(await namesIn(empty.url)).toEqual(before);
  });

  test('is refused with PostgreSQL’s own words when something stands in the way', async () => {
    await onDatabase(empty.url, 'CREATE FUNCTION refuse_change() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$');
    await expect(migrateDatabase(empty.url)).rejects.toThrow('function "refuse_change" already exists');
  });

  test('is migrated whatever the database’s own settings are', async () => {
    const name = new URL(empty.url).pathname.slice(1);
    const settings = {
      statement_timeout: '1s',
      idle_in_transaction_session_timeout: '1s',
      default_transaction_isolation: 'serializable',
      default_transaction_read_only: 'on',
      search_path: 'elsewhere',
    };
    for (const [setting, value] of Object.entries(settings)) {
      await onDatabase(
        empty.url,
        `SET default_transaction_read_only = off`,
        `ALTER DATABASE ${name} SET ${setting} = '${value}'`,
      );
    }
    await using slow = await withMigrations('SELECT pg_sleep(1.2)');
    await migrateDatabase(empty.url, slow);
    const tables = await onDatabase(
      empty.url,
      `SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename = 'sessions'`,
    );
    expect(tables).toHaveLength(1);
  });
});

describe('a database that is up to date', () => {
  test('is left as it is', async () => {
    const opened = await openTestDatabase();
    const { sessionId } = await fundedSession(opened.db);
    const before = await onDatabase(opened.url, 'SELECT * FROM timmy_tower_migrations');
    const again = await openDatabase(opened.url);
    expect(await onDatabase(opened.url, 'SELECT * FROM timmy_tower_migrations')).toEqual(before);
    expect(await readSession(again.db, sessionId)).toMatchObject({ balanceMsat: 10_000n });
    await again.close();
    await opened.close();
  });

  test('is opened while somebody holds the lock', async () => {
    await migrateDatabase(empty.url);
    await whileInTransaction('somebody', [LOCK], async () => {
      await expect(migrateDatabase(empty.url)).resolves.toBeUndefined();
    });
  });

  test('is opened by a role that may only read, and where nothing can be written', async () => {
    await migrateDatabase(empty.url);
    await asReader((url) => expect(migrateDatabase(url)).resolves.toBeUndefined());
  });
});

/** A role that may read, in a database that takes no writes from it. */
async function asReader(use: (url: string) => Promise<void>): Promise<void> {
  const role = `reader_${randomUUID().replaceAll('-', '')}`;
  await onDatabase(
    empty.url,
    `CREATE ROLE ${role} LOGIN PASSWORD 'a'`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
    `ALTER ROLE ${role} SET default_transaction_read_only = on`,
  );
  try {
    await use(Object.assign(new URL(empty.url), { username: role, password: 'a' }).href);
  } finally {
    await onDatabase(empty.url, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`);
  }
}

test('a role that may not create tables is told what to do', async () => {
  await asReader(async (url) => {
    const error = await migrateDatabase(url).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('Migrate once (`timmy-tower.mjs migrate`'),
    });
  });
});

describe('while somebody else holds the lock', () => {
  test('a start waits, and goes on once it is free', async () => {
    let migrating: Promise<void> | undefined;
    await whileInTransaction('somebody', [LOCK], async () => {
      migrating = migrateDatabase(empty.url);
      await untilMigrationWaits();
      expect(await namesIn(empty.url)).not.toContain('sessions');
    });
    await migrating;
    expect(await versionsIn(empty.url)).toHaveLength(journal.entries.length);
  });

  test('a start that waited sees what was migrated meanwhile, whatever the database’s isolation', async () => {
    const name = new URL(empty.url).pathname.slice(1);
    await onDatabase(empty.url, `ALTER DATABASE ${name} SET default_transaction_isolation = 'serializable'`);
    await using slow = await withSlowMigration(empty.url);
    const first = migrateDatabase(empty.url, slow);
    await untilMigrationLock(empty.url, { held: 1, waiting: 0 });
    const second = migrateDatabase(empty.url, slow);
    await untilMigrationLock(empty.url, { held: 1, waiting: 1 });
    await slow.letGo();
    await Promise.all([first, second]);
    expect(await versionsIn(empty.url)).toHaveLength(journal.entries.length + 1);
  });

  test('a start waits so long and no longer, and says who it is', async () => {
    await whileInTransaction('some pooler', [LOCK], async (holder) => {
      const { rows } = await holder.query('SELECT pg_backend_pid() AS pid');
      await expect(migrateDatabase(empty.url, { patienceMs: 100 })).rejects.toMatchObject({
        name: 'AppError',
        code: 'unavailable',
        message: expect.stringMatching(
          new RegExp(
            `by pid ${rows[0].pid} \\(“some pooler”, idle in transaction since 20\\d\\d-.*pg_terminate_backend`,
          ),
        ),
      });
    });
  });

  test('a start that loses its connection says unavailable', async () => {
    const { url, cut, close } = await openProxy(empty.url);
    await whileInTransaction('somebody', [LOCK], async () => {
      const opening = migrateDatabase(url).catch((thrown: unknown) => thrown);
      await untilMigrationWaits();
      cut();
      expect(await opening).toMatchObject({ name: 'AppError', code: 'unavailable' });
    });
    await close();
  });
});

test('the lock is gone with the migration, though a pooler keeps the connection that had it', async () => {
  const pooler = await openProxy(empty.url, { keepsConnections: true });
  await migrateDatabase(pooler.url);
  const kept = await onDatabase(
    empty.url,
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'timmy-tower migration'`,
  );
  expect(kept).toHaveLength(1);
  await untilMigrationLock(empty.url, { held: 0, waiting: 0 });
  await pooler.close();
});

describe('on a database in use', () => {
  beforeEach(() => migrateDatabase(empty.url));

  test('a migration that waits for a table lets the others’ statements pass, and says who keeps it waiting', async () => {
    await using later = await withMigrations('ALTER TABLE sessions ADD a integer');
    let migrating: Promise<void> | undefined;
    await whileInTransaction('a server that hangs', ['SELECT FROM sessions'], async () => {
      migrating = migrateDatabase(empty.url, later);
      await untilMigrationWaits();
      await onDatabase(empty.url, 'SELECT FROM sessions'); // behind the migration: it must not wait for the one that hangs
      await expect(migrateDatabase(empty.url, { ...later, patienceMs: 100 })).rejects.toThrow('held by pid');
    });
    await migrating;
    expect(await versionsIn(empty.url)).toHaveLength(journal.entries.length + 1);
  });

  const waitingFor = (seconds: number) =>
    onDatabase(
      empty.url,
      `SELECT FROM pg_locks JOIN pg_stat_activity a USING (pid) WHERE NOT granted
         AND clock_timestamp() - waitstart > ${seconds} * interval '1 s' AND a.datname = current_database()`,
    );

  test('after a while it waits longer than a second for a table: before that, autovacuum does not let go of one', async () => {
    await using later = await withMigrations('ALTER TABLE sessions ADD a integer');
    let migrating: Promise<void> | undefined;
    await whileInTransaction('a vacuum', ['SELECT FROM sessions'], async () => {
      migrating = migrateDatabase(empty.url, { ...later, patienceMs: 12_000 });
      await expect.poll(() => waitingFor(1.2), { interval: 20 }).toHaveLength(1);
    });
    await migrating;
  });

  const inTheOtherOrder = () =>
    withMigrations(
      'ALTER TABLE session_messages ADD a integer;--> statement-breakpoint\nALTER TABLE sessions ADD a integer',
    );

  test('one that meets an older server’s turn in a deadlock gives way, however long that waited before', async () => {
    await using later = await inTheOtherOrder();
    let migrating: Promise<void> | undefined;
    let answering: Promise<unknown> | undefined;
    await whileInTransaction('a turn', ['SELECT FROM sessions'], async (turn) => {
      await whileInTransaction('another', ['SELECT FROM session_messages'], async () => {
        migrating = migrateDatabase(empty.url, later);
        await untilMigrationWaits();
        let answered = false;
        answering = turn.query('SELECT FROM session_messages').finally(() => (answered = true));
        await expect.poll(async () => answered || (await waitingFor(0)).length === 2, { interval: 5 }).toBe(true);
      });
      await expect(answering).resolves.toMatchObject({ rowCount: 0 });
    });
    await migrating;
    expect(await versionsIn(empty.url)).toHaveLength(journal.entries.length + 1);
  });

  test('one that is ended as the victim of a deadlock is run again', async () => {
    const name = new URL(empty.url).pathname.slice(1);
    await onDatabase(empty.url, `ALTER DATABASE ${name} SET deadlock_timeout = '50ms'`);
    await using later = await inTheOtherOrder();
    let migrating: Promise<void> | undefined;
    await whileInTransaction('a turn', [`SET LOCAL deadlock_timeout = '10s'`, 'SELECT FROM sessions'], async (turn) => {
      migrating = migrateDatabase(empty.url, later);
      await untilMigrationWaits();
      await turn.query('SELECT FROM session_messages');
    });
    await migrating;
    expect(await versionsIn(empty.url)).toHaveLength(journal.entries.length + 1);
  });
});
