/** Whose request it is, for limits: the peer, or who the operator's own proxies say it is. */
import { isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';

/** A request that came through no socket (a test's) has no address. */
export function clientNetwork(context: Context, trustedProxies: number): string {
  const peer = 'incoming' in (context.env ?? {}) ? getConnInfo(context).remote.address : undefined;
  const forwardedFor = context.req.header('x-forwarded-for');
  return networkOf(chooseAddress(peer ?? 'none', { forwardedFor, trustedProxies }));
}

/**
 * Each trusted proxy appends the address it was called from, so with n of them the n-th from the right is the first that
 * nobody outside wrote. A header that is shorter, or holds no address there, did not pass them all: the peer counts.
 */
export function chooseAddress(
  peer: string,
  { forwardedFor, trustedProxies }: { forwardedFor: string | undefined; trustedProxies: number },
): string {
  if (trustedProxies === 0 || forwardedFor === undefined) return peer;
  const written = forwardedFor.split(',').at(-trustedProxies)?.trim() ?? '';
  // Some proxies write the port as well.
  return isIP(written) ? written : (SocketAddress.parse(written)?.address ?? peer);
}

/** An IPv6 host has at least a /64 to itself, and may take another address of it for each request. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(.+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = canonical(address).split('::');
  const [first, last] = [head, tail].map((groups) => groups.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - first!.length - last!.length }, () => '0');
  return `${[...first!, ...zeros, ...last!].slice(0, 4).join(':')}::/64`;
}

/** Lower case, no leading zeros, no zone, no dotted part. */
function canonical(address: string): string {
  return new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
}
