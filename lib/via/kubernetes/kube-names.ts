import { isIP } from 'node:net';
import type { NodeInfo } from '../../naming/node-info.js';
import { formatNodeName, isPort, nameOrUndefined, parseNodeName } from '../../naming/node-name.js';
import type { KubeSettings } from './kube-options.js';

/** Where one pod listens. `port`: that with the wanted name, if any. */
export interface KubeAddress {
  readonly host: string;
  readonly port: number | undefined;
}

type Wanted = Pick<KubeSettings, 'kind' | 'includeNotReady' | 'portName'>;
type Fields = Readonly<Record<string, unknown>>;

/** The addresses in an EndpointSlice or a Pod. What is not understood is skipped. */
export function addressesIn(object: unknown, wanted: Wanted): KubeAddress[] {
  return wanted.kind === 'pods'
    ? addressesOfPod(fields(object), wanted)
    : addressesOfSlice(fields(object), wanted);
}

/** What this node calls the node at an address. */
export function nameAt(
  { host, port }: KubeAddress,
  self: NodeInfo,
  { appName, port: given }: Pick<KubeSettings, 'appName' | 'port'>,
): string | undefined {
  const app = appName ?? parseNodeName(self.name).app;
  return nameOrUndefined(formatNodeName({ app, host, port: port ?? given ?? self.port }));
}

function addressesOfSlice(slice: Fields, { includeNotReady, portName }: Wanted): KubeAddress[] {
  const port = portNamed(list(slice['ports']), 'port', portName);
  return list(slice['endpoints']).flatMap((item) => {
    const endpoint = fields(item);
    const { ready, terminating } = fields(endpoint['conditions']);
    // A pod that is about to end is found no more. Readiness that is unknown counts as ready, as in the API.
    if (terminating === true || (ready === false && !includeNotReady)) return [];
    return ips(endpoint['addresses']).map((host) => ({ host, port }));
  });
}

function addressesOfPod(pod: Fields, { includeNotReady, portName }: Wanted): KubeAddress[] {
  const status = fields(pod['status']);
  const isEnding = fields(pod['metadata'])['deletionTimestamp'] !== undefined;
  const isOver = status['phase'] === 'Succeeded' || status['phase'] === 'Failed';
  if (isEnding || isOver || (!includeNotReady && !isReady(status))) return [];
  const containers = list(fields(pod['spec'])['containers']).map(fields);
  const ports = containers.flatMap((container) => list(container['ports']));
  const port = portNamed(ports, 'containerPort', portName);
  const addresses = list(status['podIPs']).map((each) => fields(each)['ip']);
  return ips(addresses.length > 0 ? addresses : [status['podIP']]).map((host) => ({ host, port }));
}

function isReady(status: Fields): boolean {
  return list(status['conditions'])
    .map(fields)
    .some(({ type, status: is }) => type === 'Ready' && is === 'True');
}

function portNamed(ports: readonly unknown[], key: string, name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const port = ports.map(fields).find((each) => each['name'] === name)?.[key];
  return isPort(port) ? port : undefined;
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function ips(value: unknown): string[] {
  return list(value).filter((item) => typeof item === 'string' && isIP(item) !== 0) as string[];
}
