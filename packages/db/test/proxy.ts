import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

/** What a client says when it leaves: PostgreSQL 18, “Message Formats”. */
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

export interface ProxyOptions {
  /** As a pooler does, it keeps the server from hearing that a client left. */
  readonly keepsConnections?: boolean;
}

/** A way to a server that can be cut. */
export async function openProxy(
  url: string,
  { keepsConnections = false }: ProxyOptions = {},
): Promise<{ url: string; cut: () => void; close: () => Promise<void> }> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  const server = createServer((incoming) => {
    const outgoing = createConnection({ host: hostname, port: Number(port) });
    for (const socket of [incoming, outgoing]) sockets.push(socket.on('error', () => socket.destroy()));
    outgoing.pipe(incoming);
    if (!keepsConnections) incoming.pipe(outgoing);
    else
      incoming.on('data', (chunk: Buffer) => void (chunk.equals(TERMINATE) ? incoming.end() : outgoing.write(chunk)));
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
