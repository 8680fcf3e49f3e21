import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { Interfaces } from './own-interfaces.js';

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

/** An address of this machine that others may reach, and the bits of its network. */
export interface ExternalAddress {
  readonly address: string;
  /** Missing where nobody tells. */
  readonly prefix?: number;
}

/** Whether only the machines of one network segment reach it; such an IPv4 address is one that no DHCP server gave. */
export function isLinkLocal(address: string): boolean {
  return /^(fe80:|169\.254\.)/i.test(address);
}

/**
 * The addresses that other machines may reach, IPv4 before IPv6. Link-local ones reach few: those of IPv4 are last, and those
 * of IPv6, which need the name of an interface that differs by machine, are left out.
 */
export function externalAddresses(interfaces: Interfaces): ExternalAddress[] {
  const external = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !(isIPv6(address) && isLinkLocal(address)))
    .map(({ address, cidr }) => {
      const prefix = Number(cidr?.split('/')[1] ?? Number.NaN);
      return { address: address.toLowerCase(), ...(Number.isInteger(prefix) && { prefix }) };
    });
  const rank = ({ address }: ExternalAddress): number => (isLinkLocal(address) ? 2 : isIPv4(address) ? 0 : 1);
  return external.toSorted((a, b) => rank(a) - rank(b));
}

/** Whether IPv4 leads from this machine to others. */
export function hasExternalIpv4(interfaces: Interfaces): boolean {
  return externalAddresses(interfaces).some(({ address }) => isIPv4(address));
}

function isIpv6Loopback(host: string): boolean {
  return isIPv6(host) && (/^[0:]+:0*1$/.test(host) || /^::ffff:127\./i.test(host));
}

/** `[fd00::6]` as `fd00::6`: people copy addresses out of URLs. */
export function withoutBrackets(host: string): string {
  return /^\[(.*)\]$/.exec(host.trim())?.[1] ?? host.trim();
}

/** The first usable address in a variable of the platform: dual-stack pods have two, `10.0.0.6,fd00::6`. */
export function firstAddressIn(text: string): string | undefined {
  return text
    .split(/[\s,]+/)
    .map(withoutBrackets)
    .find((each) => isIP(each) !== 0 && !isWildcard(each));
}
