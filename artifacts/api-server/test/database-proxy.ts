/** A TCP proxy between a server and its PostgreSQL, which can lose the connections, new ones too, and single answers. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface DatabaseProxy extends AsyncDisposable {
  /** The database's address, by way of the proxy. */
  readonly url: string;
  /** How many messages to the database had this in them. */
  sent(statement: string): number;
  /** Breaks every connection, and new ones at once, until `restore`. */
  cut(): void;
  /** Passes nothing on, and breaks nothing: what a network does that loses every packet. Until `restore`. */
  freeze(): void;
  restore(): void;
  /**
   * The next message with this in it is where the database goes away: `before` it gets there, or `after` it did its work and
   * before its answer is passed on. Resolves when that happened.
   */
  cutAt(statement: string, when: 'before' | 'after'): Promise<void>;
}

interface Trap {
  readonly statement: string;
  readonly when: 'before' | 'after';
  readonly sprung: () => void;
}

export async function openDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const pairs = new Set<{ client: Socket; database: Socket }>();
  const messages: string[] = [];
  let state: 'open' | 'cut' | 'frozen' = 'open';
  let trap: Trap | undefined;

  const cut = () => {
    state = 'cut';
    for (const { client, database } of pairs) {
      client.destroy();
      database.destroy();
    }
  };
  const restore = () => {
    state = 'open';
    for (const { client, database } of pairs) {
      client.resume();
      database.resume();
    }
  };
  const spring = (sprung: Trap) => {
    trap = undefined;
    cut();
    sprung.sprung();
  };

  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const database = connect(Number(target.port), target.hostname);
    const pair = { client, database };
    pairs.add(pair);
    let answerLost: Trap | undefined;
    client.on('data', (data) => {
      const message = data.toString('latin1');
      messages.push(message);
      if (trap && message.includes(trap.statement)) {
        if (trap.when === 'before') return spring(trap);
        answerLost = trap;
      }
      database.write(data);
    });
    database.on('data', (data) => {
      if (answerLost) spring(answerLost);
      else client.write(data);
    });
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ] as const) {
      socket.on('error', () => {});
      socket.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
    if (state === 'frozen') client.pause();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);

  return {
    url: url.href,
    sent: (statement) => messages.filter((message) => message.includes(statement)).length,
    cut,
    restore,
    freeze() {
      state = 'frozen';
      for (const { client, database } of pairs) {
        client.pause();
        database.pause();
      }
    },
    cutAt: (statement, when) =>
      new Promise((resolve) => {
        trap = { statement, when, sprung: resolve };
      }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
