/** What operators are given: the built folder, and the package made of it, with Node alone and without a network. */
import { execFile, execFileSync } from 'node:child_process';
import {
  chmod,
  chown,
  constants,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import type { Journey } from './standalone-journey.ts';
import { loadConfig } from '../src/config.ts';
import { version } from '../src/version.ts';

// npx unpacks seventy megabytes for each start.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 180_000 });

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const JOURNEY = fileURLToPath(new URL('standalone-journey.ts', import.meta.url));

const find = (program: string): string | undefined => {
  try {
    const path = `${process.env['PATH']}:/usr/sbin:/sbin`;
    return execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8', env: { PATH: path } }).trim();
  } catch {
    return undefined;
  }
};
const skipped = (why: string) => process.stderr.write(`SKIPPED: ${why}\n`);

/** What a command is put behind: a network of its own, in which loopback is all there is. */
function findNetworkAlone(): string[] {
  const [unshare, ip] = [find('unshare'), find('ip')];
  const options = process.getuid?.() === 0 ? ['-n'] : ['-r', '-n'];
  const prefix = [...options, '--', '/bin/sh', '-c', `${ip} link set lo up && exec "$0" "$@"`];
  try {
    execFileSync(unshare ?? '', [...prefix, '/bin/true'], { stdio: 'ignore' });
    return [unshare!, ...prefix];
  } catch {
    skipped('what is built is tried with the network, for unshare -n or ip does not work here');
    return [];
  }
}

const networkAlone = findNetworkAlone();
const npm = find('npm');
const systemdAnalyze = find('systemd-analyze');
if (systemdAnalyze === undefined) skipped('the systemd unit is not looked at, for there is no systemd-analyze here');
if (npm === undefined) skipped('the package is not tried, for there is no npm here');

let place: string;
let folder: string;
/** Holds `node`, and nothing else. */
let nodeAlone: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'timmy-tower-standalone-'));
  await chmod(place, 0o755);
  folder = join(place, 'timmy tower');
  nodeAlone = join(place, 'node-alone');
  await mkdir(nodeAlone);
  await symlink(process.execPath, join(nodeAlone, 'node'));
  await writeEarlierBuild();
  const imports = ['preflight', 'build-page'].flatMap((name) => ['--import', `./scripts/${name}.mjs`]);
  await run(process.execPath, [...imports, './scripts/standalone/build.mjs', folder], { cwd: ROOT });
});
/** What somebody built before, and started in the folder itself. */
async function writeEarlierBuild(): Promise<void> {
  const files = ['lib/left-over.js', 'THIRD-PARTY-LICENCES.txt', '.data/balances', 'timmy-tower.env'];
  for (const name of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), 'secret');
  }
}
afterAll(() => rm(place, { recursive: true, force: true, maxRetries: 5 }));

interface Away {
  readonly path?: string;
  /** A file that is in the folder already. */
  readonly beside?: string;
}

/** Runs a command with an empty HOME, in an empty folder, with nothing of our environment. */
async function away(command: readonly string[], { path = nodeAlone, beside }: Away = {}) {
  const own = await mkdtemp(join(place, 'away-'));
  await chmod(own, 0o755);
  if (beside) await copyFile(beside, join(own, basename(beside)));
  const [file = '', ...parameters] = [...networkAlone, ...command];
  await mkdir(join(own, 'home'));
  const env = { PATH: path, HOME: join(own, 'home'), PORT: '0', TMPDIR: tmpdir() };
  return run(file, parameters, { cwd: own, env });
}

async function journey(command: readonly string[], options?: Away): Promise<Journey> {
  const { stdout } = await away([process.execPath, JOURNEY, ...command], options);
  const found: Journey = JSON.parse(stdout);
  return found;
}

function expectAllOf(found: Journey): void {
  const beyondLoopback = networkAlone.length > 0 ? found.otherInterfaces : [];
  expect(beyondLoopback).toEqual([]);
  expect(found.banner).toContain(`timmy-tower ${version} is running at http://127.0.0.1:`);
  expect(found.banner).toContain('its own PostgreSQL');
  expect(new Set(Object.values(found.statuses))).toEqual(new Set([200]));
  expect(found.migrated).toEqual({ code: 0, text: 'The schema is up to date.\n' });
  expect(found.saidBefore).toHaveLength(2);
  expect(found.saidAfter).toEqual(found.saidBefore);
}

const bin = (...parts: string[]) => join(...parts, 'bin', 'timmy-tower.mjs');
/** As the unit and the image have it: in /opt/timmy-tower. */
const written = (name: string) => readFile(join(folder, name), 'utf8');

test('the built folder is served by Node alone: paid, asked, migrated beside, stopped and started again', async () => {
  const command: string[] = JSON.parse(/^CMD (.*)$/m.exec(await written('Dockerfile'))![1]!);
  expect(command).toEqual(['node', '/opt/timmy-tower/bin/timmy-tower.mjs']);
  const found = await journey(command.map((part) => part.replace('/opt/timmy-tower', folder)));
  expectAllOf(found);
  expect(found.exitCodes).toEqual([0, 0]);
});

test('built again, it leaves what it did not make: the data of who started it there, and his settings', async () => {
  expect(await readdir(join(folder, 'lib'))).not.toContain('left-over.js');
  expect(await written('.data/balances')).toBe('secret');
  expect(await written('timmy-tower.env')).toBe('secret');
});

test('an image holds what was built, and no data and no settings', async () => {
  const [everything, ...needed] = (await written('.dockerignore')).trim().split('\n');
  expect(everything).toBe('*');
  const found = (await readdir(folder)).filter((name) => !needed.includes(`!${name}`));
  expect(found.toSorted()).toEqual(['.data', 'timmy-tower.env']);
});

test('an older Node says so in a sentence, and ends with 1', async () => {
  const older = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { node: '22.11.0' } })`;
  const ended = await away(['node', '--import', older, bin(folder)]).catch((error: unknown) => error);
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended).toHaveProperty(
    'stderr',
    expect.stringMatching(/^timmy-tower runs on Node 24 or newer, and this is Node 22\.11\.0\. .*\n$/),
  );
});

const linksIn = async (lib: string) =>
  (await readdir(lib, { withFileTypes: true })).filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);

test('the links among the binaries are made again at the first start; where it may not write, it runs without', async () => {
  const lib = join(folder, 'postgres', 'lib');
  expect((await linksIn(lib)).toSorted()).toEqual(expect.arrayContaining(['libicudata.so', 'libpq.so']));
  for (const link of await linksIn(lib)) await rm(join(lib, link));
  await chmod(lib, 0o555);
  const cwd = await mkdtemp(join(place, 'nobody-'));
  const program = join(place, 'node');
  await copyFile(process.execPath, program, constants.COPYFILE_FICLONE); // root may have it where nobody else can reach it
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
  if (nobody) await chown(cwd, nobody.uid, nobody.gid);
  const { stdout } = await run(program, [bin(folder), 'migrate'], { cwd, env: { HOME: cwd }, ...nobody });
  expect(stdout).toBe('The schema is up to date.\n');
  expect(await linksIn(lib)).toEqual([]);
  await chmod(lib, 0o755);
});

test('the image is the folder and that command, and beside it in compose.yaml is a PostgreSQL', async () => {
  const steps = (await written('Dockerfile'))
    .split('\n')
    .filter((line) => /^(FROM|COPY|RUN|CMD|ENTRYPOINT) /.test(line));
  expect(steps.map((line) => line.split(' ')[0])).toEqual(['FROM', 'COPY', 'RUN', 'CMD']);
  expect(steps[0]).toMatch(/^FROM node:24-/);
  expect(steps[1]).toBe('COPY . /opt/timmy-tower');
  const compose = await written('compose.yaml');
  const url = /DATABASE_URL: (\S+)\$\{POSTGRES_PASSWORD[^}]*\}(\S+)/.exec(compose)!;
  expect(loadConfig({ DATABASE_URL: `${url[1]}secret${url[2]}` })).toMatchObject({ warnings: [] });
});

test.runIf(systemdAnalyze)('systemd finds no fault in the unit, and what it starts is there', async () => {
  const opt = join(place, 'opt');
  await symlink(folder, opt);
  const unit = join(place, 'timmy-tower.service');
  await writeFile(unit, (await written('timmy-tower.service')).replaceAll('/opt/timmy-tower', opt));
  expect(await run(systemdAnalyze!, ['verify', unit])).toEqual({ stdout: '', stderr: '' });
  await writeFile(unit, (await written('timmy-tower.service')).replaceAll('/opt/timmy-tower', `${opt}/not-there`));
  await expect(run(systemdAnalyze!, ['verify', unit])).rejects.toThrow('not-there');
});

test.runIf(npm)('the folder packs as a package without dependencies, that npm installs and runs offline', async () => {
  await run(npm!, ['pack', folder, '--pack-destination', place], { cwd: place });
  const tarball = join(place, `timmy-tower-${version}.tgz`);
  const prefix = join(place, 'prefix');
  const path = [nodeAlone, dirname(npm!), '/usr/bin', '/bin'].join(delimiter);
  await away([npm!, 'install', '--global', '--offline', '--prefix', prefix, tarball], { path });
  const installed = join(prefix, 'lib', 'node_modules');
  expect(await readdir(installed), 'no dependencies').toEqual(['timmy-tower']);
  const packed = await readdir(join(installed, 'timmy-tower'));
  for (const name of ['node_modules', '.data', 'timmy-tower.env']) expect(packed).not.toContain(name);
  expect(JSON.parse(await readFile(join(installed, 'timmy-tower', 'package.json'), 'utf8'))).not.toHaveProperty(
    'dependencies',
  );
  const found = await journey([join(prefix, 'bin', 'timmy-tower')]);
  expectAllOf(found);
  expect(found.exitCodes).toEqual([0, 0]);

  const npx = [join(dirname(npm!), 'npx'), '--offline', '--yes', `./${basename(tarball)}`];
  expectAllOf(await journey(npx, { path, beside: tarball }));
});
