/** What it may mean that a provider gives no name, by the scheme that its name begins with. */
const NOTHING: Readonly<Record<string, string>> = {
  list: 'the list names no other node',
  dns: 'the name has no address: is it spelt right, is the service headless, has it pods or tasks?',
  'dns+srv': 'there are no such SRV records: _port._protocol.name, and is the service registered?',
  udp: 'nothing was heard: multicast may be blocked (try broadcast), the group or the secret may differ',
  local: 'no other process of this user on this host uses this folder',
  file: 'the file names no other node',
  kubernetes: 'no pod is behind it: the name, the labels, the namespace?',
  redis: 'no node of another name is registered there: the same server, database and key?',
  postgres: 'no node of another name is registered there: the same database, schema, table and cluster?',
};

/** What to look at when this provider (or URL of one) gives no name. */
export function whyNothing(provider: string): string {
  const [scheme = ''] = provider.split(/[:#]/);
  return (
    NOTHING[scheme.toLowerCase()] ?? 'nobody is listed there: is a node running that uses the same source?'
  );
}
