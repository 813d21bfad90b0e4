/** What the server process holds on to, idle and after many turns over HTTP. */
import { fillTurns, fundSessions } from './fill.ts';
import { openHttpClient } from './http-client.ts';
import type { Figure, Measurement } from './measurement.ts';
import { type Memory, startServerProcess } from './server-process.ts';

const SESSIONS = 32;
const MEBIBYTE = 2 ** 20;

export const memory: Measurement = {
  name: 'memory',
  title: `The server process's memory after a full collection, ${SESSIONS} sessions at once over HTTP`,
  async run({ server, quick, progress }) {
    await using database = await server.openDatabase('memory');
    await fillTurns(database.bare, { quick });
    const sessions = await fundSessions(database.bare, SESSIONS);
    await using http = await startServerProcess(database.url);
    using client = openHttpClient(http.url, SESSIONS);
    const figures = figuresOf('idle', await http.memory());
    let taken = 0;
    for (const goal of quick ? [100, 500] : [10_000, 50_000]) {
      progress(`${goal.toLocaleString('en')} turns`);
      await Promise.all(
        sessions.map(async (session) => {
          while (taken < goal) {
            taken += 1;
            await client.takeTurn(session);
          }
        }),
      );
      figures.push(...figuresOf(`after ${goal.toLocaleString('en')} turns`, await http.memory()));
    }
    return figures;
  },
};

function figuresOf(when: string, { rss, heapUsed }: Memory): Figure[] {
  return [
    { name: `${when}: heap used`, unit: 'MiB', value: heapUsed / MEBIBYTE },
    { name: `${when}: resident`, unit: 'MiB', value: rss / MEBIBYTE },
  ];
}
