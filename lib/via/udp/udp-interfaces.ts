import { isIPv4 } from 'node:net';
import { type Interfaces, ownInterfaces } from '../../naming/own-interfaces.js';
import type { UdpSettings } from './udp-options.js';

/** One IPv4 address of this host, and where a broadcast from it goes. */
export interface UdpInterface {
  readonly address: string;
  readonly broadcastAddress: string;
  readonly isInternal: boolean;
}

/** The interfaces that are up now. Loopback is among them: it joins processes of a host without network. */
export function udpInterfaces(
  { ip }: Pick<UdpSettings, 'ip'>,
  interfaces: Interfaces = ownInterfaces(),
): UdpInterface[] {
  const all = Object.values(interfaces).flatMap((infos) => infos ?? []);
  return all
    .filter(({ family, address }) => family === 'IPv4' && (ip === '0.0.0.0' || ip === address))
    .map(({ address, netmask, internal }) => ({
      address,
      broadcastAddress: broadcastAddressOf(address, netmask),
      isInternal: internal,
    }));
}

/** The last address of the network; a network of one or two addresses has none, and all are addressed. */
export function broadcastAddressOf(address: string, netmask: string): string {
  if (!isIPv4(address) || !isIPv4(netmask)) return '255.255.255.255';
  const hostBits = ~toNumber(netmask) >>> 0;
  return hostBits <= 1 ? '255.255.255.255' : toText((toNumber(address) | hostBits) >>> 0);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, byte) => ((sum << 8) | Number(byte)) >>> 0, 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}
