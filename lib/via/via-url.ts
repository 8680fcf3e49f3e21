import { describeError, PeerageError } from '../errors/peerage-error.js';
import type { PeerageProvider } from './provider.js';
import { UrlQuery } from './url-query.js';
import type { ViaDnsOptions } from './via-dns.js';
import { viaDns } from './via-dns.js';
import { viaFile } from './via-file.js';
import { viaList } from './via-list.js';
import { viaLocal } from './via-local.js';
import { viaSelf } from './via-self.js';
import type { ViaUdpOptions } from './via-udp.js';
import { viaUdp } from './via-udp.js';

const KNOWN =
  'self:, list:a@127.0.0.1:4001;b@127.0.0.1:4002, dns:myapp, dns+srv:_peerage._tcp.myapp, ' +
  'udp://230.1.1.1:45900, local:, file:peers.txt';

type Reader = (rest: string, query: UrlQuery) => PeerageProvider;

const READERS: Readonly<Record<string, Reader>> = {
  self: (rest) => (expectNothing(rest), viaSelf()),
  list: (rest) => viaList(splitList(rest)),
  dns: (rest, query) => viaDns(readDns(rest, query)),
  'dns+srv': (rest, query) => viaDns({ ...readDns(rest, query), srv: true }),
  udp: (rest, query) => viaUdp(readUdp(rest, query)),
  file: (rest) => viaFile(decodeURIComponent(rest)),
  local: (rest) => viaLocal(rest === '' ? {} : { dir: decodeURIComponent(rest) }),
};

/**
 * Reads a comma-separated list of provider URLs, as in `PEERAGE_VIA`.
 *
 * @throws PeerageError `INVALID_OPTIONS`, naming every part that is wrong.
 */
export function parseViaUrls(text: string): PeerageProvider[] {
  const parts = text.split(',').map((part) => part.trim());
  const faults: unknown[] = [];
  const providers = parts
    .filter((part) => part !== '')
    .flatMap((part) => {
      try {
        return [parseViaUrl(part)];
      } catch (error) {
        faults.push(error);
        return [];
      }
    });
  if (faults.length > 1) {
    throw new PeerageError('INVALID_OPTIONS', faults.map(describeError).join(' '), {
      cause: new AggregateError(faults),
    });
  }
  if (faults.length === 1) throw faults[0];
  if (providers.length === 0) throw unreadable(text, 'it is empty');
  return providers;
}

/**
 * Reads one provider URL, such as `dns:myapp?port=4000` or `udp://230.1.1.1:45900`.
 *
 * @throws PeerageError `INVALID_OPTIONS`, naming the part that is wrong.
 */
export function parseViaUrl(text: string): PeerageProvider {
  const [, scheme = '', body = ''] = /^([a-z+]*)(?::(.*))?$/is.exec(text.trim()) ?? [];
  const read = Object.hasOwn(READERS, scheme.toLowerCase()) ? READERS[scheme.toLowerCase()] : undefined;
  if (!read) throw unreadable(text, hint(text));
  const [rest, query] = splitQuery(body);
  try {
    const provider = read(rest.replace(/^\/\//, ''), query);
    query.expectNoMore();
    return provider;
  } catch (error) {
    throw unreadable(text, describeError(error).replace(/\.$/, ''), error);
  }
}

function readDns(rest: string, query: UrlQuery): ViaDnsOptions {
  const family = query.number('family');
  return withoutUndefined<ViaDnsOptions>({
    dnsName: rest === '' ? undefined : rest,
    port: query.number('port'),
    appName: query.text('appName'),
    family: family as ViaDnsOptions['family'],
    nameservers: query.list('nameservers'),
  });
}

function readUdp(rest: string, query: UrlQuery): ViaUdpOptions {
  const match = /^([^:/]*)(?::(\d+))?\/?$/.exec(rest);
  if (!match) throw new Error('it is not of the form udp://address:port');
  const [, multicastAddr = '', port] = match;
  return withoutUndefined<ViaUdpOptions>({
    multicastAddr: multicastAddr === '' ? undefined : multicastAddr,
    port: port === undefined ? undefined : Number(port),
    ip: query.text('ip'),
    ttl: query.number('ttl'),
    broadcast: query.flag('broadcast'),
  });
}

function splitQuery(body: string): [string, UrlQuery] {
  const mark = body.indexOf('?');
  return mark < 0 ? [body, new UrlQuery('')] : [body.slice(0, mark), new UrlQuery(body.slice(mark + 1))];
}

function splitList(rest: string): string[] {
  return rest
    .split(';')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function expectNothing(rest: string): void {
  if (rest !== '') throw new Error('nothing may follow the colon');
}

function withoutUndefined<T>(options: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function hint(text: string): string {
  return text.includes('@') ? 'node names go into list:, separated by semicolons' : 'its scheme is unknown';
}

function unreadable(text: string, why: string, cause?: unknown): PeerageError {
  const shown = JSON.stringify(text.slice(0, 200));
  return new PeerageError('INVALID_OPTIONS', `${shown} names no provider: ${why}. Known are ${KNOWN}.`, {
    cause,
  });
}
