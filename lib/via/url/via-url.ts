import { describeError, PeerageError } from '../../errors/peerage-error.js';
import { isNotExpanded } from '../../naming/unexpanded.js';
import type { PeerageProvider } from '../provider.js';
import { UrlQuery } from './url-query.js';
import type { UdpSettings } from '../udp/udp-options.js';
import { udpSettings } from '../udp/udp-options.js';
import type { ViaUrl } from './via-url-readers.js';
import type { ViaDnsOptions } from '../dns/dns-options.js';
import { READERS, readDns, readUdp } from './via-url-readers.js';
import { faultWithoutPassword, mayEndInPassword, withoutPassword } from './without-password.js';

const KNOWN =
  'self:, list:a@127.0.0.1:4001;b@127.0.0.1:4002, dns:myapp, dns+srv:_peerage._tcp.myapp, ' +
  'udp://230.1.1.1:45900, local:, file:peers.txt, redis://host:6379, rediss://host:6379, ' +
  'postgres://user@host/db, kubernetes:myservice';

const NOT_SEPARATE =
  'node names go into list:, separated by semicolons; write a comma inside of a URL as %2C';

const QUOTED = 'the quotes around it are part of the value: leave them out (docker --env-file keeps them)';

/**
 * Reads a comma-separated list of provider URLs, as in `PEERAGE_VIA`.
 *
 * @throws PeerageError `INVALID_OPTIONS`, naming every part that is wrong.
 */
export function parseViaUrls(text: string): PeerageProvider[] {
  if (isQuoted(text)) throw unreadable(text, QUOTED);
  const faults: unknown[] = [];
  const providers = urlsIn(text)
    .filter((url) => url !== '')
    .flatMap((url) => {
      try {
        if (url.includes(',')) throw unreadable(url, NOT_SEPARATE);
        return [parseViaUrl(url)];
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
 * Reads one provider URL, such as `dns:myapp?port=4000` or `redis://redis:6379`.
 *
 * @throws PeerageError `INVALID_OPTIONS`, naming the part that is wrong.
 */
export function parseViaUrl(text: string): PeerageProvider {
  const url = partsOf(text);
  const { scheme, query } = url;
  const read = Object.hasOwn(READERS, scheme) ? READERS[scheme] : undefined;
  if (!read) throw unreadable(text, hint(text));
  if (isNotExpanded(text)) throw unreadable(text, 'a variable in it was not expanded by whoever sets it');
  try {
    const provider = read(url);
    query.expectNoMore();
    return provider;
  } catch (error) {
    throw unreadable(text, describeError(error).replace(/\.$/, ''), error);
  }
}

function urlsIn(text: string): string[] {
  const pieces = text.split(',').map((piece) => piece.trim());
  const urls: string[] = [];
  for (let start = 0, end = 0; start < pieces.length; start = end) {
    end = endOfUrl(pieces, start);
    urls.push(pieces.slice(start, end).join(','));
  }
  return urls;
}

/**
 * One piece is a URL, but for one whose password has commas: that goes on up to its @, so that no piece of a password is
 * taken for another URL and quoted.
 */
function endOfUrl(pieces: readonly string[], start: number): number {
  if (!mayEndInPassword(pieces[start]!)) return start + 1;
  const next = pieces.findIndex((piece, at) => at > start && (beginsUrl(piece) || piece.includes('@')));
  return next < 0 || beginsUrl(pieces[next]!) ? start + 1 : next + 1;
}

function beginsUrl(piece: string): boolean {
  return Object.hasOwn(READERS, partsOf(piece).scheme) || /^[a-z+]+:\/\//i.test(piece);
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

function unreadable(text: string, why: string, cause?: unknown): PeerageError {
  const shown = JSON.stringify(withoutPassword(text).slice(0, 200));
  const told = faultWithoutPassword(why, text);
  return new PeerageError('INVALID_OPTIONS', `${shown} names no provider: ${told}. Known are ${KNOWN}.`, {
    cause: told === why ? cause : undefined,
  });
}
