import type { NodeInfo } from '../naming/node-info.js';
import { formatNodeName, parseNodeName } from '../naming/node-name.js';
import type { PeerageSettings } from '../peerage.options.js';

/** What peers dial: the whole name, and its host and port. */
export type OwnName = Pick<NodeInfo, 'name' | 'host' | 'port'>;

/** The name by the settings, for a node that listens on this port. */
export function ownName(settings: PeerageSettings, listenPort: number): OwnName {
  const { app, host, port } = settings.name ?? {
    app: settings.appName,
    host: settings.host,
    port: listenPort,
  };
  return { name: formatNodeName({ app, host, port }), host, port };
}

/** The same node at another host. */
export function atHost({ name, port }: NodeInfo, host: string): OwnName {
  return { name: formatNodeName({ app: parseNodeName(name).app, host, port }), host, port };
}

/** The hosts of names that have our port. */
export function hostsAt(names: readonly string[], ownPort: number): string[] {
  return names.flatMap((name) => {
    const { host, port } = parseNodeName(name);
    return port === ownPort ? [host] : [];
  });
}
