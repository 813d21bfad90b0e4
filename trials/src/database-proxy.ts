/** An address that stays while the PostgreSQL behind it is killed and comes back on another port. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface DatabaseProxy extends AsyncDisposable {
  readonly port: number;
  /** undefined: nobody answers. */
  target: number | undefined;
}

export async function openDatabaseProxy(): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    if (proxy.target === undefined) return void client.destroy();
    const upstream = connect({ port: proxy.target, host: '127.0.0.1', noDelay: true });
    join(client, upstream);
    join(upstream, client);
  });
  const join = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The proxy has no port');
  const proxy: DatabaseProxy = {
    port: address.port,
    target: undefined,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return proxy;
}
