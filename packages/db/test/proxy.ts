import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut. */
export async function openProxy(url: string): Promise<{ url: string; cut: () => void; close: () => Promise<void> }> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  const server = createServer((incoming) => {
    const outgoing = createConnection({ host: hostname, port: Number(port) });
    for (const socket of [incoming, outgoing]) sockets.push(socket.on('error', () => socket.destroy()));
    incoming.pipe(outgoing).pipe(incoming);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const proxied = new URL(url);
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('no port to listen on');
  proxied.host = `127.0.0.1:${address.port}`;
  const cut = () => sockets.splice(0).forEach((socket) => socket.destroy());
  return {
    url: proxied.href,
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
