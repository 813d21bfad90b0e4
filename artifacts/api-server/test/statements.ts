import type { TestApp } from './harness.ts';

export interface SentStatement {
  /** Of a statement that is prepared once per connection. */
  readonly name?: string | undefined;
  readonly text: string;
}

/** What is sent to the database while `run` runs, BEGIN and COMMIT included, as any connection of this process is handed it. */
export async function sentDuring(
  { deps }: TestApp,
  run: (soFar: readonly SentStatement[]) => Promise<unknown>,
): Promise<SentStatement[]> {
  const sent: SentStatement[] = [];
  const client = await deps.db.$client.connect();
  client.release();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the class of the driver's connections
  const connections = Object.getPrototypeOf(client) as { query: (...args: unknown[]) => unknown };
  const { query } = connections;
  connections.query = function watched(...args) {
    const [first] = args;
    sent.push(typeof first === 'string' ? { text: first } : { name: Object(first).name, text: Object(first).text });
    return query.apply(this, args);
  };
  try {
    await run(sent);
  } finally {
    connections.query = query;
  }
  return sent;
}

/** The same by their names, as far as they have one. */
export async function statementsDuring(
  server: TestApp,
  run: (soFar: () => string[]) => Promise<unknown>,
): Promise<string[]> {
  return namesOf(await sentDuring(server, (sent) => run(() => namesOf(sent))));
}

const namesOf = (sent: readonly SentStatement[]) => sent.map(({ name, text }) => name ?? text);
