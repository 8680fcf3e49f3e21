import { assertOptionNames, type OptionNames } from '../../naming/option-names.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNotExpanded } from '../../naming/unexpanded.js';
import { OptionFaults } from '../option-faults.js';

/**
 * Options of {@link viaKubernetes}. One of `service` and `selector` is needed, here or in the environment.
 *
 * @publicApi
 */
export interface ViaKubernetesOptions {
  /** The pods behind this service, by its EndpointSlices. @default PEERAGE_KUBERNETES_SERVICE */
  readonly service?: string | undefined;
  /** The pods with these labels, such as `app=myapp`. @default PEERAGE_KUBERNETES_SELECTOR */
  readonly selector?: string | undefined;
  /** @default POD_NAMESPACE, else the namespace of the service account, else `default` */
  readonly namespace?: string | undefined;
  /** Pods that are not ready count too, so that nobody's start waits for itself. @default true */
  readonly includeNotReady?: boolean | undefined;
  /** The name of the port in the service, or of a container's port. @default none: `port` holds */
  readonly portName?: string | undefined;
  /** @default the port of this node, since replicas share their configuration */
  readonly port?: number | undefined;
  /** The part before @ of the names. @default that of this node's own name */
  readonly appName?: string | undefined;
  /** Where the API is. @default that of the cluster this pod runs in; without one `http://127.0.0.1:8001`, of `kubectl proxy` */
  readonly server?: string | undefined;
  /** The folder with `token`, `ca.crt` and `namespace`. @default that of the pod's service account */
  readonly accountFolder?: string | undefined;
}

/** What is asked for: one kind of object in one namespace. */
export interface KubeSettings {
  readonly server: string;
  readonly accountFolder: string;
  readonly namespace: string;
  readonly kind: 'endpointslices' | 'pods';
  readonly labelSelector: string;
  readonly includeNotReady: boolean;
  readonly portName: string | undefined;
  readonly port: number | undefined;
  readonly appName: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const NAMES: OptionNames<ViaKubernetesOptions> = {
  service: true,
  selector: true,
  namespace: true,
  includeNotReady: true,
  portName: true,
  port: true,
  appName: true,
  server: true,
  accountFolder: true,
};

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
const LABEL = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** @throws PeerageError `INVALID_OPTIONS`, naming everything that is wrong. */
export function kubeSettings(options: ViaKubernetesOptions, env: Environment = process.env): KubeSettings {
  assertOptionNames('viaKubernetes()', options, NAMES);
  const { accountFolder = ACCOUNT_FOLDER, includeNotReady = true, portName, port, appName } = options;
  const isGiven = options.service !== undefined || options.selector !== undefined;
  const service = isGiven ? options.service : valueOf(env, 'PEERAGE_KUBERNETES_SERVICE');
  const selector = isGiven ? options.selector : valueOf(env, 'PEERAGE_KUBERNETES_SELECTOR');
  const namespace = options.namespace ?? valueOf(env, 'POD_NAMESPACE') ?? ownNamespace(accountFolder);
  const server = options.server ?? serverOf(env);
  const faults = new OptionFaults('viaKubernetes()');
  if ((service === undefined) === (selector === undefined))
    faults.add('give one of service and selector (or PEERAGE_KUBERNETES_SERVICE or _SELECTOR)');
  if (service !== undefined && !LABEL.test(service)) faults.add(`service ${show(service)} is no name`);
  if (selector !== undefined && !/\S/.test(selector)) faults.add('selector is empty');
  if (selector !== undefined && isNotExpanded(selector))
    faults.add(`selector ${show(selector)} has a variable that was not expanded`);
  if (!LABEL.test(namespace)) faults.add(`namespace ${show(namespace)} is no name`);
  if (portName !== undefined && !/\S/.test(portName)) faults.add('portName is empty');
  if (!/\S/.test(accountFolder)) faults.add('accountFolder is empty');
  faults.port(port);
  faults.appName(appName);
  if (!/^https?:\/\/[^/]/.test(server) || !URL.canParse(server) || isNotExpanded(server))
    faults.add(`server ${show(server)} is not of the form https://host`);
  faults.throwIfAny();
  return {
    server: server.replace(/\/+$/, ''),
    accountFolder,
    namespace,
    kind: service === undefined ? 'pods' : 'endpointslices',
    labelSelector: service === undefined ? selector! : `kubernetes.io/service-name=${service}`,
    includeNotReady,
    portName,
    port,
    appName,
  };
}

/** What logs and events call it. */
export function kubeProviderName({ namespace, labelSelector }: KubeSettings): string {
  return `kubernetes:${namespace}/${labelSelector.replace(/^kubernetes.io\/service-name=/, '')}`;
}

function serverOf(env: Environment): string {
  const host = valueOf(env, 'KUBERNETES_SERVICE_HOST');
  if (host === undefined) return 'http://127.0.0.1:8001';
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return `https://${bracketed}:${valueOf(env, 'KUBERNETES_SERVICE_PORT') ?? '443'}`;
}

function ownNamespace(accountFolder: string): string {
  try {
    return readFileSync(join(accountFolder, 'namespace'), 'utf8').trim();
  } catch {
    return 'default';
  }
}

function valueOf(env: Environment, variable: string): string | undefined {
  const value = env[variable]?.trim();
  return value === '' ? undefined : value;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
