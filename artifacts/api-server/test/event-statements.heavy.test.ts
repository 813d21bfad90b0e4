/** What a thousand readers cost the database. */
import { expect, test } from 'vitest';

import { openTestApp, until } from './harness.ts';
import { statementsDuring } from './statements.ts';
import { looksAmong, watch } from './watchers.ts';

const READERS = 1000;
const SECONDS = 3;

test(
  'a thousand readers cost at most five statements a second, with pending invoices and while sessions change',
  { timeout: 120_000 },
  async () => {
    const server = await openTestApp({ watch: false });
    try {
      const sessions = await Promise.all(Array.from({ length: READERS / 8 }, () => server.open()));
      const watchers = await Promise.all(
        Array.from({ length: READERS }, (_, n) => watch(server, sessions[n % sessions.length]!)),
      );
      await Promise.all(watchers.map(({ next }) => next()));
      expect(server.deps.watchedSessions.size).toBe(READERS);

      const during = (run: Parameters<typeof statementsDuring>[1]) => statementsDuring(server, run).then(looksAmong);
      const restedAt = performance.now();
      const atRest = await during((soFar) => until(() => looksAmong(soFar()).length > 5));
      expect(atRest.length).toBeLessThanOrEqual(((performance.now() - restedAt) / 1000) * 2.5 + 1);

      let seen = 0;
      for (const { nextWith } of watchers) void nextWith(({ status }) => status === 'active').then(() => (seen += 1));
      const startedAt = performance.now();
      const changing = await during(async () => {
        for (let n = 0; n < 25; n += 1) {
          const ids = sessions.slice(n * 5, n * 5 + 5).map(({ id }) => id);
          // oxlint-disable-next-line no-await-in-loop -- some change all the time
          await server.query("UPDATE sessions SET status = 'active' WHERE id = ANY($1)", [ids]);
          // oxlint-disable-next-line no-await-in-loop
          await new Promise((resolve) => setTimeout(resolve, (SECONDS * 1000) / 25));
        }
        await until(() => seen === READERS);
      });
      expect(changing.length).toBeLessThanOrEqual(((performance.now() - startedAt) / 1000) * 5 + 2);
      await Promise.all(watchers.map(({ leave }) => leave()));
    } finally {
      await server.close();
    }
  },
);
