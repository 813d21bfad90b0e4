// Two containers with one volume: pid namespaces of their own, in which nobody sees the other's processes.
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  cleanUp,
  firstLine,
  initialisedDirectory,
  kill,
  type OtherProcess,
  query,
  removeTemplate,
  run,
  withEmbedded,
} from './fixture.ts';

vi.setConfig({ testTimeout: 60_000 });
afterEach(cleanUp);
afterAll(removeTemplate);

// Shared memory is a container's own as well: PostgreSQL would know the other's by it.
const namespaces = ['--pid', '--ipc', '--fork', '--kill-child', '--mount-proc'];
const flags = process.getuid?.() === 0 ? namespaces : ['--user', '--map-current-user', ...namespaces];

beforeEach(({ skip }) => {
  if (spawnSync('unshare', [...flags, 'true']).status !== 0) skip('`unshare` makes no pid namespaces here');
});

/** Opens the directory in a container and stays, or says why not and ends. */
async function openInContainer(directory: string, label: string, then = ''): Promise<OtherProcess> {
  const code = withEmbedded(`
    try {
      const server = await embedded.openEmbedded(${JSON.stringify(directory)}, { label: '${label}', onLost() {} });
      console.log(JSON.stringify({ url: server.url(), pid: server.pid }));
      ${then}
      setInterval(() => {}, 1000);
    } catch (error) {
      console.log(JSON.stringify({ message: error.message, ...error.fields }));
    }`);
  const node = [process.execPath, '--input-type=module', '-e', code];
  const child = run('unshare', [...flags, '/bin/sh', '-c', '"$0" "$@" & wait; exec sleep 1000', ...node]);
  return { child, said: JSON.parse((await firstLine(child)) ?? '{}') };
}

test('the second start exits and names the first, whose commits are there when it was killed with all it had', async () => {
  const directory = await initialisedDirectory();
  const first = await openInContainer(directory, 'first');
  const url = String(first.said['url']);
  await query(url, 'CREATE TABLE kept (what text)');

  const second = await openInContainer(directory, 'second');
  expect(second.said['message']).toMatch(/^Already running on this database: first pid \d+\. Stop it first\.$/);
  await query(url, `INSERT INTO kept VALUES ('acknowledged')`);

  await kill(first.child);
  const third = await openInContainer(directory, 'third');
  expect(await query(String(third.said['url']), 'SELECT what FROM kept')).toEqual([{ what: 'acknowledged' }]);
});

test('of two first starts at once one wins', async () => {
  const directory = await initialisedDirectory();
  const both = await Promise.all([openInContainer(directory, 'a'), openInContainer(directory, 'b')]);
  const winner = both.find(({ said }) => 'url' in said);
  const loser = both.find(({ said }) => 'message' in said);
  expect(loser?.said['message']).toContain(
    `Already running on this database: ${both.indexOf(winner!) === 0 ? 'a' : 'b'} `,
  );
  expect(await query(String(winner?.said['url']), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a PostgreSQL whose owner was killed is in the way of a start that cannot see it', async () => {
  const directory = await initialisedDirectory();
  const first = await openInContainer(directory, 'first', `process.kill(process.pid, 'SIGKILL')`);
  const second = await openInContainer(directory, 'second');
  expect(second.said['message']).toMatch(/^first pid \d+ has this database and gives no sign of life/);
  expect(await query(String(first.said['url']), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a frozen container is not taken over: woken, it goes on', async () => {
  const directory = await initialisedDirectory();
  const first = await openInContainer(directory, 'first');
  const processes = processesIn(first);
  expect(processes.length).toBeGreaterThan(2);
  for (const pid of processes) process.kill(pid, 'SIGSTOP');
  const second = await openInContainer(directory, 'second');
  expect(second.said['message']).toContain('gives no sign of life');
  for (const pid of processes) process.kill(pid, 'SIGCONT');
  expect(await query(String(first.said['url']), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  const third = await openInContainer(directory, 'third');
  expect(third.said['message']).toContain('Already running on this database: first');
});

/** All processes of the container, as seen from here. */
function processesIn({ child }: OtherProcess): number[] {
  const namespaceOf = (pid: number, name: string) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/${name}`);
    } catch {
      return undefined; // it has ended
    }
  };
  const namespace = namespaceOf(child.pid!, 'pid_for_children');
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
  return pids.filter((pid) => namespaceOf(pid, 'pid') === namespace);
}
