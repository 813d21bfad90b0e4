/** The default: nothing set, nothing installed, and a real PostgreSQL in the working directory. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test, vi } from 'vitest';

import { fundSession } from './server-client.ts';
import { isRunning, openPlace } from './server-process.ts';

// Starting a server takes seconds where the processors are busy.
vi.setConfig({ testTimeout: 180_000 });

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
