import type { NetworkInterfaceInfo } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { externalAddresses, isLoopback, isWildcard } from '../../../lib/naming/hosts.js';

describe('hosts', () => {
  it.each(['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'])(
    '%s is reached from this machine only',
    (host) => expect(isLoopback(host)).toBe(true),
  );

  it.each(['0.0.0.0', '::', '10.0.0.1', '127.example.com', '::2', '::10', 'localhost.example.com'])(
    '%s may be reached from others',
    (host) => expect(isLoopback(host)).toBe(false),
  );

  it.each(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])('%s is every address', (host) =>
    expect(isWildcard(host)).toBe(true),
  );

  it.each(['::1', '10.0.0.0', 'host'])('%s is one address', (host) => expect(isWildcard(host)).toBe(false));
});

describe('the addresses that others may reach', () => {
  const ipv4 = (first: number) =>
    fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((rest) => [first, ...rest].join('.'));
  const linkLocal = fc.tuple(fc.nat(255), fc.nat(255)).map((rest) => ['169.254', ...rest].join('.'));
  const kinds = [
    fc.constantFrom(10, 172, 192, 8).chain(ipv4),
    fc.nat(65_535).map((last) => `fd00::${last.toString(16)}`),
    linkLocal,
    fc.nat(65_535).map((last) => `FE80::${last.toString(16)}`),
  ];
  const kindOf = (address: string): number =>
    address.startsWith('169.254.') ? 2 : address.startsWith('fe80:') ? 3 : address.includes(':') ? 1 : 0;

  it('IPv4, then IPv6, then link-local IPv4, as the system lists them; never loopback nor link-local IPv6', () => {
    const one = fc.record({ address: fc.oneof(...kinds), internal: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one), (list) => {
        const infos = list.map((each) => ({ ...each, cidr: null }) as unknown as NetworkInterfaceInfo);
        const kept = list.filter(({ internal }) => !internal).map(({ address }) => address.toLowerCase());
        const expected = [0, 1, 2].flatMap((kind) => kept.filter((address) => kindOf(address) === kind));
        expect(externalAddresses({ eth0: infos }).map(({ address }) => address)).toEqual(expected);
      }),
    );
  });
});
