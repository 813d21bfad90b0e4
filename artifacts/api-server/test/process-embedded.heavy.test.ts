/** The default, hurt: a second server beside it, its PostgreSQL killed, its port not to be had. */
import { expect, test, vi } from 'vitest';

import { until } from './harness.ts';
import { call, fundSession } from './server-client.ts';
import { openPlace } from './server-process.ts';

// Starting a server takes seconds where the processors are busy.
vi.setConfig({ testTimeout: 180_000 });

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
