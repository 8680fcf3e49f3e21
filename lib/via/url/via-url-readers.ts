import { kubeProviderName, kubeSettings } from '../kubernetes/kube-options.js';
import type { ViaKubernetesOptions } from '../kubernetes/kube-options.js';
import type { ViaPostgresOptions } from '../postgres/postgres-options.js';
import { POSTGRES, validatePostgresOptions } from '../postgres/postgres-options.js';
import type { ViaRedisOptions } from '../redis/redis-options.js';
import { REDIS, validateRedisOptions } from '../redis/redis-options.js';
import { REDIS_PARAMETERS } from '../redis/redis-url.js';
import type { PeerageProvider } from '../provider.js';
import type { ViaDnsOptions } from '../dns/via-dns.js';
import { viaDns } from '../dns/via-dns.js';
import { viaFile } from '../file/via-file.js';
import { viaLazy } from '../via-lazy.js';
import { viaList } from '../via-list.js';
import { viaLocal } from '../local/via-local.js';
import { viaSelf } from '../via-self.js';
import type { ViaUdpOptions } from '../udp/via-udp.js';
import { viaUdp } from '../udp/via-udp.js';
import type { UrlQuery } from './url-query.js';

/** A provider URL in its parts. */
export interface ViaUrl {
  readonly scheme: string;
  /** What follows `scheme:` or `scheme://`, up to the question mark. */
  readonly rest: string;
  readonly query: UrlQuery;
}

/** Makes a provider. Options that are wrong are told at once, by an Error. */
type Reader = (url: ViaUrl) => PeerageProvider;

/** Every scheme that there is. Providers of subpaths are loaded when they are first used. */
export const READERS: Readonly<Record<string, Reader>> = {
  self: ({ rest }) => (expectNothing(rest), viaSelf()),
  list: ({ rest }) => viaList(splitList(rest)),
  dns: (url) => viaDns(readDns(url)),
  'dns+srv': (url) => viaDns({ ...readDns(url), srv: true }),
  udp: (url) => viaUdp(readUdp(url)),
  file: ({ rest }) => viaFile(decodeURIComponent(rest)),
  local: ({ rest }) => viaLocal(rest === '' ? {} : { dir: decodeURIComponent(rest) }),
  redis: readRedis,
  rediss: readRedis,
  postgres: readPostgres,
  postgresql: readPostgres,
  kubernetes: readKubernetes,
};

/** The options in a URL of DNS, but for `srv`, which is its scheme. */
export function readDns({ rest, query }: ViaUrl): ViaDnsOptions {
  const family = query.number('family');
  return {
    dnsName: expectSomething(rest, 'the name to look up, such as dns:myapp'),
    port: query.number('port'),
    appName: query.text('appName'),
    family: family as ViaDnsOptions['family'],
    nameservers: query.list('nameservers'),
  };
}

/** The options in a URL of UDP. */
export function readUdp({ rest, query }: ViaUrl): ViaUdpOptions {
  const match = /^([^:/]*)(?::(\d+))?\/?$/.exec(rest);
  if (!match) throw new Error('it is not of the form udp://address:port');
  const [, multicastAddr = '', port] = match;
  return {
    multicastAddr: textOrNone(multicastAddr),
    port: port === undefined ? undefined : Number(port),
    ip: query.text('ip'),
    ttl: query.number('ttl'),
    broadcast: query.flag('broadcast'),
  };
}

function readRedis({ scheme, rest, query }: ViaUrl): PeerageProvider {
  const ours = { key: query.text('key'), ttlMs: query.number('ttlMs') };
  const url = withParameters(`${scheme}://${rest}`, query.take(REDIS_PARAMETERS));
  const options: ViaRedisOptions = { url, ...ours };
  validateRedisOptions(options);
  return viaLazy(REDIS, async () =>
    (await import(/* webpackMode: "eager" */ '../redis/index.js')).viaRedis(options),
  );
}

function readPostgres({ scheme, rest, query }: ViaUrl): PeerageProvider {
  const ours = {
    table: query.text('table'),
    cluster: query.text('cluster'),
    ttlMs: query.number('ttlMs'),
  };
  const url = withParameters(`${scheme}://${rest}`, query.takeOthers());
  const options: ViaPostgresOptions = { url, ...ours };
  validatePostgresOptions(options);
  return viaLazy(POSTGRES, async () =>
    (await import(/* webpackMode: "eager" */ '../postgres/index.js')).viaPostgres(options),
  );
}

function readKubernetes({ rest, query }: ViaUrl): PeerageProvider {
  const options: ViaKubernetesOptions = {
    service: textOrNone(rest),
    selector: query.text('selector'),
    namespace: query.text('namespace'),
    portName: query.text('portName'),
    port: query.number('port'),
    appName: query.text('appName'),
    includeNotReady: query.flag('includeNotReady'),
    server: query.text('server'),
    accountFolder: query.text('accountFolder'),
  };
  const name = kubeProviderName(kubeSettings(options));
  return viaLazy(name, async () =>
    (await import(/* webpackMode: "eager" */ '../kubernetes/index.js')).viaKubernetes(options),
  );
}

function withParameters(url: string, parameters: string): string {
  return parameters === '' ? url : `${url}?${parameters}`;
}

function splitList(rest: string): string[] {
  const names = rest
    .split(';')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  expectSomething(names.join(), 'node names, such as list:a@10.0.0.1;b@10.0.0.2');
  // It would be taken for a name, and its password shown wherever names are.
  if (names.some((name) => name.includes('://'))) throw new Error('a URL is none of its names');
  return names;
}

/** What is left out by mistake must not become a default in silence. */
function expectSomething(rest: string, what: string): string {
  if (rest === '') throw new Error(`nothing follows the colon; give ${what}`);
  return rest;
}

function expectNothing(rest: string): void {
  if (rest !== '') throw new Error('nothing may follow the colon');
}

function textOrNone(text: string): string | undefined {
  return text === '' ? undefined : text;
}
