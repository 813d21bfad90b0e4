import { describe, expect, test } from 'vitest';

import { chooseAddress, networkOf } from './client-address.ts';

describe('the client’s address', () => {
  const peer = '10.0.0.1';

  test.each<[string, number, string | undefined, string]>([
    ['with no proxy trusted is the peer’s, whatever a header says', 0, '1.1.1.1, 2.2.2.2', peer],
    ['without a header is the peer’s', 1, undefined, peer],
    ['behind one proxy is the one that it added', 1, '6.6.6.6, 2.2.2.2', '2.2.2.2'],
    ['behind two proxies is the one that the outer added', 2, '6.6.6.6, 2.2.2.2, 10.0.0.2', '2.2.2.2'],
    ['in a header that did not pass all proxies is the peer’s', 2, '6.6.6.6', peer],
    ['written without spaces is read', 1, '6.6.6.6,2.2.2.2', '2.2.2.2'],
    ['with its port is read without', 1, '2.2.2.2:8080', '2.2.2.2'],
    ['of IPv6 with its port is read without', 1, '[2001:db8::1]:8080', '2001:db8::1'],
    ['of IPv6 is read', 1, '2001:db8::1', '2001:db8::1'],
    ['that is none is the peer’s', 1, '6.6.6.6, unknown', peer],
    ['in an empty header is the peer’s', 1, '', peer],
    ['in a header of commas is the peer’s', 1, ',,,', peer],
  ])('%s', (_, trustedProxies, forwardedFor, address) => {
    expect(chooseAddress(peer, { forwardedFor, trustedProxies })).toBe(address);
  });
});

describe('the network that is limited', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:ffff::192.0.2.1', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['none', 'none'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
