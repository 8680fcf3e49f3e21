import type { NodeInfo } from '../naming/node-info.js';
import { DEFAULT_PORT, formatNodeName, parseNodeName } from '../naming/node-name.js';
import type { ViaDnsOptions } from './dns-options.js';
import { validateDnsOptions } from './dns-options.js';
import { resolveAddresses, withResolver } from './dns-resolver.js';
import { namesBySrv } from './dns-srv.js';
import type { AddressFamily, AddressMemory } from './dns-families.js';
import { SystemLookup } from './dns-system.js';
import type { PeerageProvider } from './provider.js';

export type { ViaDnsOptions } from './dns-options.js';

/**
 * Finds nodes by DNS: every address of a name is a node. The lookup is the system's own, so the hosts file,
 * search domains (Kubernetes short names) and answers longer than a datagram work. A name that does not
 * exist is an empty answer. When the name servers fail, the poll fails and the last good answer stands.
 *
 * @throws PeerageError `INVALID_OPTIONS`. Its `poll` throws `PROVIDER_FAILED` and `PROVIDER_TIMEOUT`.
 * @publicApi
 */
export function viaDns(options: ViaDnsOptions = {}): PeerageProvider {
  validateDnsOptions(options);
  const { dnsName = 'localhost', family = 0, srv = false, nameservers } = options;
  if (srv) {
    return {
      name: `dns+srv:${dnsName}`,
      poll: ({ self, signal }) =>
        namesBySrv({ dnsName, family, nameservers, app: appOf(self, options) }, signal),
    };
  }
  const lookup = nameservers ? resolverLookup(dnsName, family, nameservers) : systemLookup(dnsName, family);
  return {
    name: `dns:${dnsName}`,
    poll: async ({ self, signal }) => {
      const addresses = new Set(await lookup(signal));
      return [...addresses].flatMap((address) => namesAt(address, self, options));
    },
  };
}

type AddressLookup = (signal: AbortSignal) => Promise<string[]>;

function systemLookup(dnsName: string, family: AddressFamily): AddressLookup {
  const system = new SystemLookup(dnsName, family);
  return (signal) => system.addresses(signal);
}

function resolverLookup(dnsName: string, family: AddressFamily, servers: readonly string[]): AddressLookup {
  const memory: AddressMemory = new Map();
  return (signal) =>
    withResolver(dnsName, servers, signal, (resolver) => resolveAddresses(resolver, dnsName, family, memory));
}

function namesAt(address: string, self: NodeInfo, options: ViaDnsOptions): string[] {
  const app = appOf(self, options);
  return portsAt(address, self, options).map((port) => formatNodeName({ app, host: address, port }));
}

function portsAt(address: string, self: NodeInfo, { port }: ViaDnsOptions): number[] {
  if (port !== undefined) return [port];
  const isLoopback = address === '::1' || address.startsWith('127.');
  // A process that found the default port of its host busy took a free one; the other is at the default.
  return isLoopback && self.port !== DEFAULT_PORT ? [self.port, DEFAULT_PORT] : [self.port];
}

function appOf(self: NodeInfo, { appName }: ViaDnsOptions): string {
  return appName ?? parseNodeName(self.name).app;
}
