/** The default: nothing set, nothing installed, and a real PostgreSQL in the working directory; and what hurts it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { until } from './harness.ts';
import { call, fundSession } from './server-client.ts';
import { isRunning, openPlace } from './server-process.ts';

test('runs end to end on its own PostgreSQL, stops it with itself, and finds everything at the next start', async () => {
  await using place = await openPlace();
  const first = await place.start();
  const data = join(place.directory, '.data', 'postgres', '18');
  expect(existsSync(join(data, 'PG_VERSION'))).toBe(true);
  expect(statSync(join(place.directory, '.data', 'postgres', 'password')).mode & 0o077, 'for its owner alone').toBe(0);
  expect(first.output.stdout).toContain(`its own PostgreSQL, in ${data}`);
  const postgres = place.postgresPid()!;
  expect(isRunning(postgres)).toBe(true);

  const session = await fundSession(first);
  const plan = (await session.ask('How do I brew coffee?')).body.reply!.content;
  expect(plan).toMatch(/^1\. /m);

  first.signal('SIGINT');
  expect(await first.ended).toBe(0);
  expect(isRunning(postgres), 'no PostgreSQL is left').toBe(false);
  expect(
    first.log().filter(({ level }) => level > 30),
    'nothing is lost in an orderly stop',
  ).toEqual([]);

  const again = session.on(await place.start());
  expect((await again.said()).at(-1)).toBe(`assistant: ${plan}`);
  const shorter = await again.ask('make it shorter');
  expect(shorter.body.history.messages).toBe(2);
  expect(shorter.body.reply!.content.length).toBeLessThan(plan.length);
});

test('a second server in the same directory exits naming the first, which goes on', async () => {
  await using place = await openPlace();
  const first = await place.start();
  const session = await fundSession(first);
  const second = await place.run();
  expect(second.code).toBe(1);
  expect(second.text).toContain(`Already running on this database: timmy-tower http://127.0.0.1:0 pid ${first.pid}`);
  expect(second.text).not.toMatch(/^\s+at /m);
  expect((await session.ask('How do I brew tea?')).status).toBe(200);
  expect((await call(first, '/readyz')).status).toBe(200);

  await first.kill();
  const postgres = place.postgresPid();
  expect(postgres, 'killed, it leaves its PostgreSQL behind').toBeDefined();
  const third = await place.start();
  expect(place.postgresPid(), 'and the next one takes it over').toBe(postgres);
  expect(await session.on(third).said()).toHaveLength(2);
});

test('without its PostgreSQL it does not go on: another server may have it', async () => {
  await using place = await openPlace();
  const first = await place.start();
  const session = await fundSession(first);
  process.kill(place.postgresPid()!, 'SIGQUIT');
  expect(await first.ended).toBe(1);
  expect(first.log().at(-1)).toMatchObject({ level: 60, msg: expect.stringContaining('lost the embedded PostgreSQL') });
  await until(() => place.postgresPid() === undefined);

  const again = session.on(await place.start());
  expect((await again.show()).balanceMsat).toBe(1_000_000);
});

test('a server that cannot listen stops the PostgreSQL that it just started', async () => {
  await using place = await openPlace();
  const { code, text } = await place.run({ HOST: '192.0.2.1' });
  expect(code).toBe(1);
  expect(text).toContain('Cannot listen on 192.0.2.1:0. Set HOST to another one.');
  expect(place.postgresPid()).toBeUndefined();
});
