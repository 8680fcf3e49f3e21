import { isLoopback } from '../../naming/hosts.js';
import type { NodeInfo } from '../../naming/node-info.js';
import { DEFAULT_PORT, formatNodeName, parseNodeName } from '../../naming/node-name.js';
import type { ViaDnsOptions } from './dns-options.js';
import { validateDnsOptions } from './dns-options.js';
import { NameserverLookup } from './dns-nameservers.js';
import { namesBySrv } from './dns-srv.js';
import { SystemLookup } from './dns-system.js';
import type { PeerageProvider } from '../provider.js';

export type { ViaDnsOptions } from './dns-options.js';

/**
 * Finds nodes by DNS: every address of a name is a node. The lookup is the system's own, so the hosts file,
 * search domains (Kubernetes short names) and answers longer than a datagram work. A name that does not
 * exist is an empty answer. When the name servers fail, the poll fails and the last good answer stands. With
 * `nameservers`, whose answers say how long they stand (their TTL), one that ends before the next poll is
 * asked for again when it does.
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
  const lookup = nameservers
    ? new NameserverLookup(dnsName, family, nameservers)
    : new SystemLookup(dnsName, family);
  return {
    name: `dns:${dnsName}`,
    poll: async ({ self, signal }) => namesAt(await lookup.addresses(signal), self, options),
    ...(lookup instanceof NameserverLookup && {
      serve: (context) =>
        lookup.keepAsking(context.signal, (addresses) =>
          context.found(namesAt(addresses, context.self, options)),
        ),
    }),
  };
}

function namesAt(addresses: readonly string[], self: NodeInfo, options: ViaDnsOptions): string[] {
  const app = appOf(self, options);
  return [...new Set(addresses)].flatMap((host) =>
    portsAt(host, self, options).map((port) => formatNodeName({ app, host, port })),
  );
}

function portsAt(address: string, self: NodeInfo, { port }: ViaDnsOptions): number[] {
  if (port !== undefined) return [port];
  // A process that found the default port of its host busy took a free one; the other is at the default.
  return isLoopback(address) && self.port !== DEFAULT_PORT ? [self.port, DEFAULT_PORT] : [self.port];
}

function appOf(self: NodeInfo, { appName }: ViaDnsOptions): string {
  return appName ?? parseNodeName(self.name).app;
}
