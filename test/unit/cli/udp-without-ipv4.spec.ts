import type { NetworkInterfaceInfo } from 'node:os';
import { expect, it } from 'vitest';
import { checkUdp } from '../../../lib/cli/doctor/network-checks.js';
import type { Interfaces } from '../../../lib/naming/own-interfaces.js';
import { whyNothing } from '../../../lib/via/nothing-found.js';

const one = (family: 'IPv4' | 'IPv6', address: string, internal = false): NetworkInterfaceInfo =>
  ({ family, address, internal, netmask: '255.0.0.0', cidr: null }) as unknown as NetworkInterfaceInfo;

const lo = [one('IPv4', '127.0.0.1', true), one('IPv6', '::1', true)];
const ipv6Only: Interfaces = { lo, eth0: [one('IPv6', 'fd77::1'), one('IPv6', 'fe80::1')] };
const both: Interfaces = { lo, eth0: [one('IPv6', 'fd77::1'), one('IPv4', '10.0.0.1')] };
const linkLocal: Interfaces = { lo, eth0: [one('IPv4', '169.254.7.1')] };

it.each<[string, Interfaces, boolean]>([
  ['only IPv6', ipv6Only, true],
  ['only loopback', { lo }, true],
  ['no network at all', {}, true],
  ['both families', both, false],
  ['a link-local IPv4 address', linkLocal, false],
])('with %s, viaUdp() that hears nothing blames what is to blame', (_what, interfaces, isWithout) => {
  for (const provider of ['udp:230.1.1.1:45900', 'udp:45900', 'UDP:'])
    expect(whyNothing(provider, () => interfaces)).toMatch(
      isWithout ? /IPv4 only.*viaDns/ : /multicast may be blocked/,
    );
  expect(whyNothing('dns:shop')).toContain('has no address');
});

it('doctor says of a host without IPv4 that no network is to blame', async () => {
  expect(await checkUdp('udp:', {})).toEqual([
    expect.objectContaining({ result: 'failed', advice: expect.stringMatching(/IPv4 only.*viaDns/) }),
  ]);
  expect(await checkUdp('udp:?ip=10.9.9.9', {})).toEqual([
    expect.objectContaining({ result: 'failed', says: '10.9.9.9 is no address of this host' }),
  ]);
  const findings = await checkUdp('udp:', ipv6Only);
  expect(findings.at(-1)).toMatchObject({
    result: 'warning',
    says: 'no interface leads to other hosts by IPv4',
    advice: expect.stringMatching(/IPv4 only.*viaDns/),
  });
  expect(findings.map(({ check }) => check)).toEqual([
    expect.stringContaining('127.0.0.1'),
    expect.any(String),
  ]);
});
