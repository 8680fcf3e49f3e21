import type { NetworkInterfaceInfo } from 'node:os';
import { isIPv4, isIPv6 } from 'node:net';

/** The network interfaces, as `os.networkInterfaces()` gives them. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Whether only this machine can reach a listener on `host`. */
export function isLoopback(host: string): boolean {
  return (
    host.toLowerCase() === 'localhost' || (isIPv4(host) && host.startsWith('127.')) || isIpv6Loopback(host)
  );
}

/** Whether `host` stands for every address. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || (isIPv6(host) && /^[0:]+$/.test(host));
}

/** The first address that other machines may reach, IPv4 before IPv6; link-local ones reach too few. */
export function firstExternalAddress(interfaces: Interfaces): string | undefined {
  const external = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address));
  const first = external.find(({ address }) => isIPv4(address)) ?? external[0];
  return first?.address;
}

function isIpv6Loopback(host: string): boolean {
  return isIPv6(host) && (/^[0:]+:0*1$/.test(host) || /^::ffff:127\./i.test(host));
}
