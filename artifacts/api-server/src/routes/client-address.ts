/** Whose request it is, for limits: the peer, or who the operator's own proxies say it is. */
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';
import type { Logger } from 'pino';

/** The network that a request comes from. */
export type AddressOf = (context: Context) => string;

/** A proxy that nobody told us of makes one address of all its callers: said once. */
export function createAddressOf({ trustedProxies, log }: { trustedProxies: number; log: Logger }): AddressOf {
  let told = false;
  return (context) => {
    // A request that came through no socket (a test's) has no address.
    const peer = ('incoming' in (context.env ?? {}) ? getConnInfo(context).remote.address : undefined) ?? 'none';
    const forwardedFor = context.req.header('x-forwarded-for');
    if (!told && trustedProxies === 0 && forwardedFor !== undefined && isPrivate(peer)) {
      told = true;
      log.warn(
        'a proxy at a private address sends X-Forwarded-For, which is not believed while TRUST_PROXY is 0: ' +
          'limits count all its callers as one. Set TRUST_PROXY to the number of proxies of yours in front',
      );
    }
    return networkOf(chooseAddress(peer, { forwardedFor, trustedProxies }));
  };
}

// RFC 1918, RFC 6598 and RFC 4193; loopback and link-local.
const privateNetworks = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
] as const) {
  privateNetworks.addSubnet(network, bits, 'ipv4');
}
for (const [network, bits] of [
  ['fc00::', 7],
  ['fe80::', 10],
  ['::1', 128],
] as const) {
  privateNetworks.addSubnet(network, bits, 'ipv6');
}

function isPrivate(peer: string): boolean {
  const address = peer.replace(/%.*$/, '');
  return isIP(address) !== 0 && privateNetworks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
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
