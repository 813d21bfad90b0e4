import { expect, test } from 'vitest';

import { SessionQueue } from './session-queues.ts';

const LONG_MS = 60_000;

/** Work that ends when it is told to. */
function openWork() {
  const gate = Promise.withResolvers<string>();
  const started = Promise.withResolvers<void>();
  return {
    started: started.promise,
    end: () => gate.resolve('done'),
    run: async () => {
      started.resolve();
      return gate.promise;
    },
  };
}

test('so much of a session’s work runs at once, and the next when one has ended; another session’s does not wait', async () => {
  const queue = new SessionQueue({ atOnce: 2, waiting: 8, patienceMs: LONG_MS });
  const [first, second, third] = [openWork(), openWork(), openWork()];
  const running = [first, second, third].map((work) => queue.run('one', work.run));
  await Promise.all([first.started, second.started]);
  expect(await queue.run('other', async () => 'not kept waiting')).toBe('not kept waiting');
  expect(await Promise.race([third.started.then(() => 'started'), Promise.resolve('waits')])).toBe('waits');
  second.end();
  await third.started;
  first.end();
  third.end();
  expect(await Promise.all(running)).toEqual(['done', 'done', 'done']);
});

test('work that fails makes room too', async () => {
  const queue = new SessionQueue({ atOnce: 1, waiting: 8, patienceMs: LONG_MS });
  const failing = queue.run('one', () => Promise.reject(new RangeError('no')));
  const next = queue.run('one', async () => 'next');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('next');
});

test('who would wait behind too many is told so, and comes in later', async () => {
  const queue = new SessionQueue({ atOnce: 1, waiting: 1, patienceMs: LONG_MS });
  const work = openWork();
  const running = queue.run('one', work.run);
  const waiting = queue.run('one', async () => 'waited');
  await expect(queue.run('one', async () => 'too many')).rejects.toMatchObject({
    code: 'rate-limited',
    fields: { retryAfterSeconds: 1 },
  });
  work.end();
  expect(await running).toBe('done');
  expect(await waiting).toBe('waited');
  expect(await queue.run('one', async () => 'later')).toBe('later');
});

test('who waits for too long is told so, and its work never runs', async () => {
  const queue = new SessionQueue({ atOnce: 1, waiting: 8, patienceMs: 20 });
  const work = openWork();
  const running = queue.run('one', work.run);
  let ran = false;
  const waiting = queue.run('one', async () => {
    ran = true;
  });
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  work.end();
  await running;
  expect(await queue.run('one', async () => 'next')).toBe('next');
  expect(ran).toBe(false);
});
