import { expect, test } from 'vitest';

import { SessionQueue } from './session-queues.ts';

const LONG_MS = 60_000;
const ENOUGH = { atOnce: 100, waiting: 100 };

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
  const queue = new SessionQueue({ atOnce: 2, waiting: 8, patienceMs: LONG_MS, inAll: ENOUGH });
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
  const queue = new SessionQueue({ atOnce: 1, waiting: 8, patienceMs: LONG_MS, inAll: ENOUGH });
  const failing = queue.run('one', () => Promise.reject(new RangeError('no')));
  const next = queue.run('one', async () => 'next');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('next');
});

test('who would wait behind too many is told so, and comes in later', async () => {
  const queue = new SessionQueue({ atOnce: 1, waiting: 1, patienceMs: LONG_MS, inAll: ENOUGH });
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
  const queue = new SessionQueue({ atOnce: 1, waiting: 8, patienceMs: 20, inAll: ENOUGH });
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

test('of all sessions together so much runs at once: others wait in turn, or are told to come again', async () => {
  const queue = new SessionQueue({ atOnce: 2, waiting: 8, patienceMs: LONG_MS, inAll: { atOnce: 2, waiting: 1 } });
  const [first, second, third] = [openWork(), openWork(), openWork()];
  const running = [first, second, third].map((work, index) => queue.run(`session ${index}`, work.run));
  await Promise.all([first.started, second.started]);
  expect(await Promise.race([third.started.then(() => 'started'), Promise.resolve('waits')])).toBe('waits');
  await expect(queue.run('another', async () => 'too many')).rejects.toMatchObject({
    code: 'unavailable',
    fields: { retryAfterSeconds: 2 },
  });
  first.end();
  await third.started;
  second.end();
  third.end();
  expect(await Promise.all(running)).toEqual(['done', 'done', 'done']);
  expect(await queue.run('another', async () => 'later')).toBe('later');
});

test('who waits for too long behind other sessions is told so, and makes room for its own', async () => {
  const queue = new SessionQueue({ atOnce: 1, waiting: 8, patienceMs: 20, inAll: { atOnce: 1, waiting: 8 } });
  const work = openWork();
  const running = queue.run('one', work.run);
  await work.started;
  await expect(queue.run('other', async () => 'never')).rejects.toMatchObject({ code: 'unavailable' });
  work.end();
  await running;
  expect(await queue.run('other', async () => 'next')).toBe('next');
});
