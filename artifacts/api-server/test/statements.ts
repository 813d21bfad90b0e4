import type { TestApp } from './harness.ts';

/** What is sent to the database while `run` runs, BEGIN and COMMIT included, as each connection is handed it. */
export async function statementsDuring({ deps }: TestApp, run: () => Promise<unknown>): Promise<string[]> {
  const statements: string[] = [];
  const pool = deps.db.$client;
  const restore: Array<() => void> = [];
  const watched = new Set<unknown>();
  const watch = (client: { query: (...args: never[]) => unknown }) => {
    if (watched.has(client)) return;
    watched.add(client);
    const query = client.query.bind(client);
    client.query = (...args: never[]) => {
      const [first]: readonly unknown[] = args;
      statements.push(typeof first === 'string' ? first : String(Object(first).name ?? Object(first).text));
      return query(...args);
    };
    restore.push(() => (client.query = query));
  };
  pool.on('acquire', watch);
  await run();
  pool.off('acquire', watch);
  for (const undo of restore) undo();
  return statements;
}
