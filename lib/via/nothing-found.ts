import { hasExternalIpv4 } from '../naming/hosts.js';
import { ownInterfaces, type Interfaces } from '../naming/own-interfaces.js';

/** What it may mean that a provider gives no name, by the scheme that its name begins with. */
const NOTHING: Readonly<Record<string, string>> = {
  list: 'the list names no other node',
  dns: 'the name has no address: is it spelt right, is the service headless, has it pods or tasks?',
  'dns+srv': 'there are no such SRV records: _port._protocol.name, and is the service registered?',
  udp: 'nothing was heard: multicast may be blocked (try broadcast), the group or the secret may differ',
  local: 'no other process of this user on this host uses this folder',
  file: 'the file names no other node',
  kubernetes: 'no pod is behind it: the name, the labels, the namespace?',
  redis: 'no node, or none of another name, is registered there: the same server, database and key?',
  postgres:
    'no node, or none of another name, is registered there: the same database, schema, table and cluster?',
};

/** What keeps viaUdp() from hearing other machines, whatever the network does. */
export const NO_IPV4 =
  'viaUdp() speaks IPv4 only, and this host has no IPv4 address, or only loopback: use viaDns(), viaList() or another ' +
  'provider for nodes of other hosts';

/** What to look at when this provider (or URL of one) gives no name. */
export function whyNothing(provider: string, interfaces: () => Interfaces = ownInterfaces): string {
  const [scheme = ''] = provider.split(/[:#]/);
  if (scheme.toLowerCase() === 'udp' && !hasExternalIpv4(interfaces())) return NO_IPV4;
  return (
    NOTHING[scheme.toLowerCase()] ?? 'nobody is listed there: is a node running that uses the same source?'
  );
}
