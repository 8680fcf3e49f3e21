import { DEFAULT_PORT, isAppName, parseNodeName } from '../naming/node-name.js';
import { type Interfaces, ownInterfaces } from '../naming/own-interfaces.js';
import type { PeerageModuleOptions, PeerageSettings } from '../peerage.options.js';
import { DEFAULT_LIMITS, DEFAULT_OWNERSHIP, DEFAULT_SHUTDOWN } from '../peerage.options.js';
import type { Via } from '../via/provider.js';
import { viaSelf } from '../via/via-self.js';
import { DEFAULT_APP_NAME, appNameFromPackage } from './app-name.js';
import { host as hostCheck } from './checks.js';
import { checkOptions, given, heartbeatOf } from './check-options.js';
import { Faults } from './faults.js';
import {
  firstAddressIn,
  externalAddresses,
  isLinkLocal,
  isLoopback,
  isWildcard,
  withoutBrackets,
} from '../naming/hosts.js';
import { isNotExpanded } from '../naming/unexpanded.js';
import { copyMeta } from './meta.js';
import { securityOf } from './security.js';

const LOOPBACK = '127.0.0.1';
const BOUND = 'it is the address that is listened on';

/** What the defaults are made of. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly interfaces: () => Interfaces;
  readonly packageName: () => string | undefined;
}

const here: Environment = {
  env: process.env,
  interfaces: () => ownInterfaces(),
  packageName: () => appNameFromPackage(),
};

/**
 * Checks the options and fills in the defaults.
 *
 * @throws PeerageError `INVALID_OPTIONS`, telling of all faults at once.
 */
export function resolveSettings(options: PeerageModuleOptions, around: Environment = here): PeerageSettings {
  const faults = checkOptions(options);
  const host = faults.list.length === 0 ? hostOf(options, around, faults) : { host: LOOPBACK, because: '' };
  faults.throwIfAny();
  return settingsOf(options, host, around);
}

/** What peers are told to dial, and how we know. */
interface ToldHost {
  readonly host: string;
  /** How it was chosen. */
  readonly because: string;
  /** Nobody gave it: it is the first address of an interface that looks right. */
  readonly isDetected?: boolean;
  /** What is wrong with a variable that was passed over. */
  readonly warning?: string;
}

function settingsOf(options: PeerageModuleOptions, told: ToldHost, around: Environment): PeerageSettings {
  const appName = options.appName ?? usableName(around.packageName()) ?? DEFAULT_APP_NAME;
  const bind = bindOf(options);
  return {
    via: viaOf(options.via),
    cluster: options.cluster ?? appName,
    clusterIsDerived: options.cluster === undefined && options.appName === undefined,
    host: told.host,
    hostIsDetected: told.isDetected ?? false,
    hostBecause: told.because,
    warnings: told.warning === undefined ? [] : [told.warning],
    ...(bind === undefined ? {} : { bind }),
    ...identityOf(options, appName),
    security: securityOf(options),
    secretIsUndefined: 'secret' in options && options.secret === undefined,
    meta: copyMeta(options.meta ?? {}),
    intervalMs: options.intervalMs ?? 10_000,
    syncOffsetMs: options.syncOffsetMs ?? 0,
    logResults: options.logResults ?? true,
    statusSocket: options.statusSocket ?? true,
    ...(options.waitFor === undefined ? {} : { waitFor: options.waitFor }),
    heartbeat: heartbeatOf(options.heartbeat),
    shutdown: { ...DEFAULT_SHUTDOWN, ...given(options.shutdown) },
    ownership: { ...DEFAULT_OWNERSHIP, ...given(options.ownership) },
    ...(options.quorum === undefined ? {} : { quorum: options.quorum }),
    limits: { ...DEFAULT_LIMITS, ...given(options.limits) },
  };
}

/**
 * The name and the port that go together. A `name` with a port says where to listen as well, unless `port` does;
 * one without a port, where there is no `port` either, gets the port that is listened on.
 */
function identityOf(
  { name: text, port }: PeerageModuleOptions,
  appName: string,
): Pick<PeerageSettings, 'appName' | 'name' | 'port' | 'portIsFixed'> {
  if (text === undefined) return { appName, port: port ?? DEFAULT_PORT, portIsFixed: port !== undefined };
  const name = parseNodeName(text);
  if (port !== undefined) return { appName, name, port, portIsFixed: true };
  const hasPort = text.endsWith(`:${name.port}`);
  if (hasPort) return { appName, name, port: name.port, portIsFixed: true };
  return { appName: name.app, port: DEFAULT_PORT, portIsFixed: false };
}

/** Where to listen. Unprotected nodes keep to this machine unless told otherwise. */
function bindOf({ bind, secret, tls, insecure }: PeerageModuleOptions): string | undefined {
  const isOpen = secret !== undefined || tls !== undefined || insecure === true;
  if (bind !== undefined) return withoutBrackets(bind);
  return isOpen ? undefined : LOOPBACK;
}

function hostOf(options: PeerageModuleOptions, around: Environment, faults: Faults): ToldHost {
  if (options.name !== undefined) return { host: parseNodeName(options.name).host, because: 'name says so' };
  const chosen = options.host ?? checkedVariable('PEERAGE_HOST', around, faults);
  if (chosen !== undefined)
    return { host: withoutBrackets(chosen).toLowerCase(), because: 'host (or PEERAGE_HOST) says so' };
  const bind = bindOf(options);
  if (bind?.toLowerCase() === 'localhost') return { host: LOOPBACK, because: BOUND };
  if (bind !== undefined && (isLoopback(bind) || !isWildcard(bind)))
    return { host: bind.toLowerCase(), because: BOUND };
  const ofPod = around.env['POD_IP']?.trim() ?? '';
  const podIp = firstAddressIn(ofPod);
  if (podIp !== undefined) return { host: podIp.toLowerCase(), because: 'POD_IP says so' };
  const host = externalAddresses(around.interfaces())[0]?.address;
  const warning = ofPod === '' ? {} : { warning: passedOver(ofPod, host ?? LOOPBACK) };
  // A loopback or link-local one until there is a better one: then that is told.
  return { host: host ?? LOOPBACK, because: reasonFor(host), isDetected: true, ...warning };
}

function reasonFor(detected: string | undefined): string {
  if (detected === undefined) return 'this machine has no address that others reach by itself';
  if (isLinkLocal(detected))
    return 'it is a link-local address, and this machine has none that reaches further (no DHCP server gave one)';
  return 'it is the first external address of this machine';
}

/** POD_IP is not ours: other programs may mean something else by it, so it never ends a start. */
function passedOver(podIp: string, host: string): string {
  const why = isNotExpanded(podIp)
    ? 'was not expanded: in Kubernetes set it by valueFrom, fieldRef, fieldPath: status.podIP'
    : 'is no address';
  return `POD_IP=${JSON.stringify(podIp.slice(0, 100))} ${why}. It is passed over; peers are told ${host}`;
}

function checkedVariable(variable: string, { env }: Environment, faults: Faults): string | undefined {
  const value = env[variable]?.trim();
  if (!value) return undefined;
  const before = faults.list.length;
  hostCheck(value, variable, faults);
  return faults.list.length === before ? value : undefined;
}

function viaOf(via: PeerageModuleOptions['via']): readonly Via[] {
  const list = via === undefined ? [] : [via].flat();
  return list.length > 0 ? list : [viaSelf()];
}

/** A package's name is not under our control: one that does not fit is no reason to stop. */
function usableName(name: string | undefined): string | undefined {
  return isAppName(name) ? name : undefined;
}
