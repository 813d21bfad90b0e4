/**
 * The history as others get it: packed, installed from the tarball into an app outside this workspace, and used there as the
 * README says, with the app's own table, its own migrations, strict types, on each Node that it is meant for.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import packageJson from '../package.json' with { type: 'json' };
import { openEmptyDatabase, type UnmigratedDatabase } from '../src/testing.ts';
import { namesIn } from './migrations.ts';
import { HISTORY_SAYS, readExamples } from './readme-examples.ts';

// What is not in npm's cache is downloaded.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
/** npm has it for Linux. */
const NODE_22 = process.platform === 'linux' ? `npm:node-linux-${process.arch}@22.23.3` : undefined;

async function run(folder: string, command: string, ...args: string[]): Promise<string[]> {
  const env = { ...process.env, DATABASE_URL: database.url };
  const { stdout } = await promisify(execFile)(command, args, { cwd: folder, env }).catch(
    ({ message, stdout: printed }: Error & { stdout: string }) => {
      throw new Error(`${message}\n${printed}`); // tsc and drizzle-kit say on stdout what is wrong
    },
  );
  return stdout.trim().split('\n');
}

let app: string;
let tarball: string;
let database: UnmigratedDatabase;
beforeAll(async () => {
  database = await openEmptyDatabase();
  app = await mkdtemp(join(tmpdir(), 'timmy-tower-foreign-app-'));
  await run(PACKAGE, 'npx', '-y', 'pnpm@12', 'pack', '--pack-destination', app);
  tarball = `timmy-tower-db-${packageJson.version}.tgz`;
  await writeApp();
  await run(app, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline');
});
afterAll(async () => {
  await database.close();
  await rm(app, { recursive: true });
});

/** What strict types refuse: an error that is missed is one too. */
const MISTAKES = `
import { appendMessage, sessionMessagesTable } from '@timmy-tower/db/history';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { boolean, pgTable } from 'drizzle-orm/pg-core';
import { chatMessages, chats } from './schema.js';

export const append = async (db: NodePgDatabase<{ chats: typeof chats }>, sessionId: string) => {
  // @ts-expect-error -- nobody else says anything
  await appendMessage(db, chatMessages, { sessionId, role: 'system', content: '' });
  // @ts-expect-error -- that is a table of chats
  await appendMessage(db, chats, { sessionId, role: 'user', content: '' });
  const message = await appendMessage(db, chatMessages, { sessionId, role: 'user', content: '' });
  // @ts-expect-error -- it is a Date
  return message.createdAt.length;
};
const sides = pgTable('sides', { id: boolean('id').primaryKey() });
// @ts-expect-error -- that is no id
export const messages = sessionMessagesTable({ sessions: sides, name: 'messages' });
`;

async function writeApp(): Promise<void> {
  const dependencies = {
    '@timmy-tower/db': `file:${tarball}`,
    ...(await versionsHere('drizzle-orm', 'pg', '@types/pg', 'drizzle-kit')),
    ...(NODE_22 ? { 'node-22': NODE_22 } : {}),
  };
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    rootDir: 'src',
    outDir: 'dist',
  };
  const files = {
    'package.json': JSON.stringify({ name: 'an-app', private: true, type: 'module', dependencies }),
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['src'] }),
    'drizzle.config.json': JSON.stringify({
      dialect: 'postgresql',
      schema: './src/schema.ts',
      out: './migrations',
      dbCredentials: { url: database.url },
    }),
    'mistakes.ts': MISTAKES,
    ...(await readExamples()),
  };
  await mkdir(join(app, 'src'));
  for (const [name, text] of Object.entries(files)) {
    // oxlint-disable-next-line no-await-in-loop
    await writeFile(join(app, name.endsWith('.ts') ? 'src' : '.', name), text);
  }
}

async function versionsHere(...names: string[]): Promise<Record<string, string>> {
  const versions = names.map(async (name): Promise<[string, string]> => {
    const manifest: { version: string } = JSON.parse(
      await readFile(join(PACKAGE, 'node_modules', name, 'package.json'), 'utf8'),
    );
    return [name, manifest.version];
  });
  return Object.fromEntries(await Promise.all(versions));
}

const nodes = { 22: () => join(app, 'node_modules/node-22/bin/node'), 24: () => process.execPath };

const drizzleKit = (command: string) =>
  run(app, nodes[NODE_22 ? 22 : 24](), 'node_modules/drizzle-kit/bin.cjs', command);

const compile = (...options: string[]) => run(app, join(PACKAGE, '../../node_modules/.bin/tsc'), '-p', app, ...options);

test('what is packed is the history alone', async () => {
  const installed = join(app, 'node_modules/@timmy-tower/db');
  const manifest: Record<string, unknown> = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  expect(Object.keys(manifest).toSorted()).toEqual(
    [
      'name',
      'version',
      'description',
      'license',
      'type',
      'engines',
      'exports',
      'files',
      'peerDependencies',
      'peerDependenciesMeta',
    ].toSorted(),
  );
  expect(Object.keys(manifest['exports']!)).toEqual(['./history']);
  expect(Object.keys(manifest['peerDependencies']!)).toEqual(['drizzle-orm', 'pg']);
  expect((await readdir(installed)).toSorted()).toEqual(['LICENSE', 'README.md', 'history', 'package.json']);
  const packed = await readdir(join(installed, 'history'));
  expect(packed.filter((name) => !/\.(js|d\.ts)$/.test(name) || name.includes('.test.'))).toEqual([]);
  for (const name of packed) {
    // oxlint-disable-next-line no-await-in-loop
    const text = await readFile(join(installed, 'history', name), 'utf8');
    const imported = [...text.matchAll(/(?:from |import\()["']([^"']+)/g)].map(([, specifier]) => specifier!);
    expect(imported.filter((specifier) => !/^(\.\/|drizzle-orm(\/pg-core)?$)/.test(specifier))).toEqual([]);
    expect(text).not.toMatch(/next_message_time|forget_messages|session_requests/);
  }
});

test('where libraries are checked too, nothing is wrong with ours', async () => {
  const said = await compile('--skipLibCheck', 'false', '--noEmit').then(
    () => '',
    (error: unknown) => String(error),
  );
  expect(said).toContain('node_modules/drizzle-orm/'); // else the README need not ask for skipLibCheck any more
  expect(said).not.toContain('@timmy-tower');
});

test('the app compiles, strictly', async () => {
  await compile();
  expect((await readdir(join(app, 'dist'))).toSorted()).toEqual(['main.js', 'mistakes.js', 'schema.js']);
});

describe('with its own migrations', () => {
  beforeAll(async () => {
    await compile();
    await drizzleKit('generate');
    await drizzleKit('migrate');
  });

  test('it has its table, and there is nothing more to generate', async () => {
    expect(await namesIn(database.url)).toEqual(expect.arrayContaining(['chats', 'chat_messages']));
    expect(await drizzleKit('generate')).toContainEqual(expect.stringContaining('No schema changes'));
  });

  test.each(NODE_22 ? ([22, 24] as const) : ([24] as const))('it runs on Node %i', async (version) => {
    const node = nodes[version]();
    expect(await run(app, node, '--version')).toEqual([expect.stringMatching(`^v${version}\\.`)]);
    expect(await run(app, node, 'dist/main.js')).toEqual(HISTORY_SAYS);
  });
});
