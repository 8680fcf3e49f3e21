import { describeError, PeerageError } from '../../errors/peerage-error.js';
import { isNotExpanded } from '../../naming/unexpanded.js';
import type { PeerageProvider } from '../provider.js';
import { UrlQuery } from './url-query.js';
import type { UdpSettings } from '../udp/udp-options.js';
import { udpSettings } from '../udp/udp-options.js';
import type { ViaUrl } from './via-url-readers.js';
import type { ViaDnsOptions } from '../dns/dns-options.js';
import { READERS, readDns, readUdp } from './via-url-readers.js';
import { faultWithoutPassword, piecesOfPassword, schemeAlone, withoutPassword } from './without-password.js';

const KNOWN =
  'self:, list:a@127.0.0.1:4001;b@127.0.0.1:4002, dns:myapp, dns+srv:_peerage._tcp.myapp, ' +
  'udp://230.1.1.1:45900, local:, file:peers.txt, redis://host:6379, rediss://host:6379, ' +
  'postgres://user@host/db, kubernetes:myservice';

const NOT_SEPARATE =
  'node names go into list:, separated by semicolons; write a comma inside of a URL as %2C';

const QUOTED = 'the quotes around it are part of the value: leave them out (docker --env-file keeps them)';

/** A provider, and the URL that it was made of. */
export interface NamedUrl {
  readonly url: string;
  readonly provider: PeerageProvider;
}

/** Which of several URLs one is, and whether it may be the rest of a password that has a comma. */
interface Place {
  readonly number: number;
  readonly of: number;
  readonly mayBePassword: boolean;
}

const ALONE: Place = { number: 1, of: 1, mayBePassword: false };

/**
 * Reads a comma-separated list of provider URLs, as in `PEERAGE_VIA`.
 *
 * @throws PeerageError `INVALID_OPTIONS`, naming every part that is wrong.
 */
export function parseViaUrls(text: string): PeerageProvider[] {
  return namedViaUrls(text).map(({ provider }) => provider);
}

/**
 * As `parseViaUrls`, with the URL of each.
 *
 * @throws PeerageError `INVALID_OPTIONS`, naming every part that is wrong.
 */
export function namedViaUrls(text: string): NamedUrl[] {
  if (isQuoted(text)) throw unreadable(text, QUOTED, ALONE);
  const urls = text
    .split(',')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '');
  const ofPassword = piecesOfPassword(urls);
  const faults: unknown[] = [];
  const providers = urls.flatMap((url, i) => {
    try {
      const place = { number: i + 1, of: urls.length, mayBePassword: i < ofPassword };
      return [{ url, provider: read(url, place) }];
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
  if (providers.length === 0) throw unreadable(text, 'it is empty', ALONE);
  return providers;
}

/**
 * Reads one provider URL, such as `dns:myapp?port=4000` or `redis://redis:6379`.
 *
 * @throws PeerageError `INVALID_OPTIONS`, naming the part that is wrong.
 */
export function parseViaUrl(text: string): PeerageProvider {
  return read(text, ALONE);
}

function read(text: string, place: Place): PeerageProvider {
  const url = partsOf(text);
  const { scheme, query } = url;
  const reader = Object.hasOwn(READERS, scheme) ? READERS[scheme] : undefined;
  if (!reader) throw unreadable(text, hint(text), place);
  if (isNotExpanded(text))
    throw unreadable(text, 'a variable in it was not expanded by whoever sets it', place);
  try {
    const provider = reader(url);
    query.expectNoMore();
    return provider;
  } catch (error) {
    const fault = describeError(error).replace(/\.$/, '');
    const told = faultWithoutPassword(fault, text, place.mayBePassword);
    throw unreadable(text, told, place, told === fault ? error : undefined);
  }
}

/** What a URL of DNS says. Undefined of any other one. */
export function dnsOptionsOf(text: string): (ViaDnsOptions & { dnsName: string }) | undefined {
  const url = partsOf(text);
  if (!url.scheme.startsWith('dns')) return undefined;
  return { ...readDns(url), dnsName: url.rest, srv: url.scheme === 'dns+srv' };
}

/** What a URL of UDP says, with the defaults. Undefined of any other one. */
export function udpSettingsOf(text: string): UdpSettings | undefined {
  const url = partsOf(text);
  return url.scheme === 'udp' ? udpSettings(readUdp(url)) : undefined;
}

function partsOf(text: string): ViaUrl {
  const [, scheme = '', body = ''] = /^([a-z+]*)(?::(.*))?$/is.exec(text.trim()) ?? [];
  const [rest, query] = splitQuery(body);
  return { scheme: scheme.toLowerCase(), rest: rest.replace(/^\/\//, ''), query };
}

function splitQuery(body: string): [string, UrlQuery] {
  const mark = body.indexOf('?');
  return mark < 0 ? [body, new UrlQuery('')] : [body.slice(0, mark), new UrlQuery(body.slice(mark + 1))];
}

/** Whatever a shell would have taken away is there, with whoever does not read files as a shell does. */
function isQuoted(text: string): boolean {
  return /^(["']).*\1$/s.test(text.trim());
}

function hint(text: string): string {
  if (isQuoted(text)) return QUOTED;
  if (/^[a-z+]+:\/\//i.test(text)) return 'its scheme is unknown';
  return text.includes('@') ? NOT_SEPARATE : 'its scheme is unknown';
}

/** `why`: as it may be printed. */
function unreadable(text: string, why: string, place: Place, cause?: unknown): PeerageError {
  const { number, of, mayBePassword } = place;
  const url = mayBePassword ? schemeAlone(text, number > 1) : withoutPassword(text);
  const which = of === 1 ? '' : ` (entry ${number} of ${of})`;
  const shown = `${JSON.stringify(url.slice(0, 200))}${which}`;
  return new PeerageError('INVALID_OPTIONS', `${shown} names no provider: ${why}. Known are ${KNOWN}.`, {
    cause,
  });
}
