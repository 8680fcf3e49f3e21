import { describe, expect, it } from 'vitest';
import type { ViaUdpOptions } from '../../../../lib/via/udp/via-udp.js';
import { viaUdp } from '../../../../lib/via/udp/via-udp.js';
import { broadcastAddressOf } from '../../../../lib/via/udp/udp-interfaces.js';
import { udpSettings } from '../../../../lib/via/udp/udp-options.js';

describe('viaUdp', () => {
  it('has the defaults of the Elixir library', () => {
    const elixir = { port: 45_900, multicastAddr: '230.1.1.1', ip: '0.0.0.0', ttl: 1, broadcast: false };
    expect(udpSettings({})).toEqual(elixir);
  });

  it.each<[unknown, RegExp]>([
    [{ port: 0 }, /port/],
    [{ multicastAddr: '10.0.0.1' }, /multicastAddr/],
    [{ multicastAddr: 'ff02::1' }, /multicastAddr/],
    [{ ip: 'eth0' }, /ip/],
    [{ ttl: 256 }, /ttl/],
    [{ ttl: 0, port: 1.5 }, /port.*ttl/],
  ])('refuses %o', (options, message) => {
    const make = () => viaUdp(options as ViaUdpOptions);
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(make).toThrow(message);
  });
});

describe('broadcastAddressOf', () => {
  it.each([
    ['192.0.2.7', '255.255.255.0', '192.0.2.255'],
    ['172.31.200.1', '255.255.240.0', '172.31.207.255'],
    ['127.0.0.1', '255.0.0.0', '127.255.255.255'],
    ['10.0.0.1', '255.255.255.255', '255.255.255.255'],
    ['10.0.0.1', '255.255.255.254', '255.255.255.255'],
  ])('%s with netmask %s is %s', (address, netmask, broadcast) => {
    expect(broadcastAddressOf(address, netmask)).toBe(broadcast);
  });
});
