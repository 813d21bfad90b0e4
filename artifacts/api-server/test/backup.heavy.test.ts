/** What docs/operating.md says of back-ups, done: nothing is missing after a restore. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test, vi } from 'vitest';

import { until } from './harness.ts';
import { type ClientSession, fundSession } from './server-client.ts';
import { openPlace, type ServerProcess } from './server-process.ts';

// Two servers and two databases, one after the other.
vi.setConfig({ testTimeout: 300_000 });

const run = promisify(execFile);
/** Debian's place for PostgreSQL 15. */
const DEBIAN = '/usr/lib/postgresql/15/bin';
const hasDebian = existsSync(join(DEBIAN, 'postgres')) && existsSync(join(DEBIAN, 'pg_restore'));
if (!hasDebian)
  process.stderr.write(`SKIPPED: no back-up with pg_dump is made, for there is no PostgreSQL in ${DEBIAN}\n`);

/** The commands of the page, as they are pasted: back-up and restore of `.data`, then of a database. */
const page = await readFile(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
const commands = [...page.split('## Back-up and restore')[1]!.matchAll(/```sh\n(.*?)```/gs)].map((match) => match[1]!);
const [backUp, restore, databaseToo] = commands;

const KEY = { idempotencyKey: 'told-once' };

async function live(server: ServerProcess): Promise<{ session: ClientSession; kept: unknown }> {
  const session = await fundSession(server);
  await session.ask('How do I brew coffee?', KEY);
  await session.ask('make it shorter');
  return { session, kept: await lookAt(session) };
}

/** Balance and charges, the order of the conversation, and the answer that a key replays. The key itself opens it. */
async function lookAt(session: ClientSession): Promise<unknown> {
  const replay = await session.ask('How do I brew coffee?', KEY);
  const { balanceMsat, heldMsat, status } = await session.show();
  return { balanceMsat, heldMsat, status, said: await session.said(), reply: replay.body.reply };
}

test('embedded: stopped, copied and started; the copy has it all when it is put back', async () => {
  await using place = await openPlace();
  const server = await place.start();
  const { session, kept } = await live(server);
  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);
  await mkdir(join(place.directory, 'backups'));
  const paste = (block: string) =>
    block.replaceAll('/var/lib/timmy-tower', place.directory).replaceAll('/var/backups', `${place.directory}/backups`);
  const systemctl = 'systemctl() { :; }\n'; // nothing runs
  const { stdout } = await run('bash', ['-c', `${systemctl}${paste(backUp!)}echo "$BACKUP"`]);

  const original = await place.start();
  await session.on(original).ask('and after the back-up?');
  original.signal('SIGTERM');
  expect(await original.ended).toBe(0);
  await run('bash', ['-c', `${systemctl}BACKUP=nowhere\n${paste(restore!)}`]); // forgotten: then nothing is replaced
  await run('bash', ['-c', `${systemctl}BACKUP=${stdout}${paste(restore!)}`]);
  const restored = session.on(await place.start());
  expect(await lookAt(restored)).toEqual(kept);
  expect((await restored.ask('explain step 2')).status).toBe(200);
});

test.runIf(hasDebian)(
  'a PostgreSQL of one’s own: pg_dump of the same major version, restored into an empty database for the same role',
  async () => {
    await using postgres = await startDebian();
    await postgres.shell('createuser timmy && createdb --owner=timmy timmy');
    await using place = await openPlace();
    const server = await place.start({ DATABASE_URL: postgres.url('timmy') });
    const { session, kept } = await live(server);
    const [dump, ...restoring] = databaseToo!.trim().split('\n');
    await postgres.shell(dump!);
    await session.ask('and after the back-up?');
    server.signal('SIGTERM');
    expect(await server.ended).toBe(0);
    await postgres.shell(restoring.join(' && '));

    const restored = session.on(await place.start({ DATABASE_URL: postgres.url('timmy_restored') }));
    expect(await lookAt(restored)).toEqual(kept);
    expect((await restored.ask('explain step 2')).status).toBe(200);
  },
);

/** As root PostgreSQL does not run: nobody runs it. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

async function startDebian() {
  const folder = await mkdtemp(join(tmpdir(), 'timmy-tower-debian-'));
  await chmod(folder, 0o700);
  if (nobody.uid) await chown(folder, nobody.uid, nobody.gid);
  const port = await freePort();
  const options = { cwd: folder, ...nobody };
  execFileSync(join(DEBIAN, 'initdb'), ['-D', 'data', '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale'], {
    ...options,
    stdio: 'ignore',
  });
  const flags = ['-p', String(port), '-h', '127.0.0.1', '-k', folder];
  const server = spawn(join(DEBIAN, 'postgres'), ['-D', 'data', ...flags], { ...options, stdio: 'ignore' });
  const url = (database: string) => `postgres://timmy@127.0.0.1:${port}/${database}`;
  const superuser = { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres' };
  const env = { PATH: `${DEBIAN}:${process.env['PATH']}`, DATABASE_URL: url('timmy'), ...superuser };
  const shell = (command: string) => run('bash', ['-c', command], { ...options, env });
  await until(
    () =>
      shell('pg_isready').then(
        () => true,
        () => false,
      ),
    60_000,
  );
  return {
    shell,
    url,
    async [Symbol.asyncDispose]() {
      server.kill('SIGQUIT');
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return typeof address === 'object' && address ? address.port : 0;
}
