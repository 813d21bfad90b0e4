/** Starting: what the server says when it runs, and what it says when it cannot. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { openTestDatabase, type TestDatabase } from '@timmy-tower/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { fundSession } from './server-client.ts';
import { openPlace } from './server-process.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const withPassword = (url: string, password: string) => {
  const changed = new URL(url);
  changed.password = password;
  return changed.href;
};

test.each([
  {
    what: 'a wallet and a model are looked at with the rest, before the database',
    env: {
      DATABASE_URL: 'postgres://timmy:hunter2@127.0.0.1:1/tower',
      PORT: 'eighty',
      WALLET_URL: 'lnd://hunter2@node:10009',
      MODEL: 'anthropic/claude',
      ANTHROPIC_KEY: 'sk-hunter2',
    },
    says: [
      /PORT: must be/,
      /WALLET_URL: names a kind of wallet that is not known. Supported: "simulated:"/,
      /MODEL: anthropic\/… needs a key: set ANTHROPIC_API_KEY too/,
      /ANTHROPIC_KEY is no setting, so it does nothing. Did you mean ANTHROPIC_API_KEY\?/,
      /^(?![\s\S]*database cannot be reached)/,
    ],
  },
  {
    what: 'a database that cannot be reached is said to be so',
    env: { DATABASE_URL: 'postgres://timmy:hunter2@127.0.0.1:1/tower' },
    says: [/database cannot be reached/i, /ECONNREFUSED/],
  },
])('exits with 1 and words: $what', async ({ env, says }) => {
  await using place = await openPlace();
  const { code, text, stdout } = await place.run(env);
  expect(code).toBe(1);
  expect(stdout).toBe('');
  for (const words of says) expect(text).toMatch(words);
  expect(text).not.toContain('hunter2');
  expect(text).not.toMatch(/^\s+at /m);
});

test('the simulated wallet does not start in production', async () => {
  await using place = await openPlace();
  const { code, text } = await place.run({ NODE_ENV: 'production' });
  expect(code).toBe(1);
  expect(text).toMatch(/WALLET_URL: .* does not start in production: set WALLET_URL/);
  expect(existsSync(join(place.directory, '.data')), 'nothing was opened').toBe(false);
});

test('a name that is nearly a setting is told in the log, and the server starts', async () => {
  await using place = await openPlace();
  const server = await place.start({ DATABASE_URL: database.url, PROT: '4000', TRUST_PROXIES: '1' });
  expect(server.log().map(({ level, msg }) => [level, msg])).toEqual(
    expect.arrayContaining([
      [40, 'PROT is no setting, so it does nothing. Did you mean PORT?'],
      [40, 'TRUST_PROXIES is no setting, so it does nothing. Did you mean TRUST_PROXY?'],
    ]),
  );
});

test('what the command line asks for and there is not is said, and nothing is opened', async () => {
  await using place = await openPlace();
  const { code, text } = await place.run({}, ['--port=4000']);
  expect(code).toBe(1);
  expect(text).toContain('There is no option --port. Set PORT in the environment instead.');
  expect(text).not.toMatch(/^\s+at /m);
  const help = await place.run({ PORT: 'eighty' }, ['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('DATABASE_URL');
  expect(existsSync(join(place.directory, '.data'))).toBe(false);
});

test('exits with 1 and says so when the password for the database is wrong, repeating none', async () => {
  await using place = await openPlace();
  const { code, text } = await place.run({ DATABASE_URL: withPassword(database.url, 'hunter2') });
  expect(code).toBe(1);
  expect(text).toContain('password authentication failed for user');
  expect(text).not.toContain('hunter2');
});

test('the simulated wallet starts in production when told that every conversation is free', async () => {
  await using place = await openPlace();
  const env = { NODE_ENV: 'production', WALLET_URL: 'simulated:?allow-production' };
  const server = await place.start({ DATABASE_URL: database.url, ...env });
  expect(server.output.stdout).toContain('NO REAL MONEY MOVES');
  expect((await (await fundSession(server)).ask('How do I brew tea?')).status).toBe(200);
});

test('exits with 1 and says which port is taken', async () => {
  await using place = await openPlace();
  const other = createServer().listen(0, '127.0.0.1');
  try {
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const { code, text } = await place.run({ DATABASE_URL: database.url, PORT: port });
    expect(code).toBe(1);
    expect(text).toContain(`Cannot listen on 127.0.0.1:${port}. Set PORT to another one.`);
    expect(text).not.toMatch(/^\s+at /m);
  } finally {
    other.close();
  }
});
