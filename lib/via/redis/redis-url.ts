import { isIP } from 'node:net';
import { repeatedIn } from '../url/url-query.js';

/** Where a Redis server is, and how it is reached: a URL without parameters, and what its parameters said. */
export interface RedisAddress {
  readonly url: string;
  /** 4, 6, or 0 for either. */
  readonly family?: 0 | 4 | 6;
  /**
   * The name that TLS tells the server (SNI), if it has one. Neither client tells it by itself, and where many servers
   * share an address that is how they are told apart.
   */
  readonly servername?: string;
}

/** What a Redis URL may say after its question mark, as the clients understand it. */
export const REDIS_PARAMETERS: readonly string[] = ['db', 'family', 'tls'];

/**
 * Reads `redis://user:password@host:6379/0?db=1&family=6&tls=true`. Only ioredis reads parameters, and then as
 * texts; here they mean the same for both clients.
 *
 * @throws Error when it is no URL of Redis, or a parameter is unknown or has no meaning.
 */
export function readRedisUrl(text: string): RedisAddress {
  if (!/^rediss?:\/\/./.test(text) || !URL.canParse(text))
    throw new Error('url is not of the form redis://host:port');
  const url = new URL(text);
  if (url.hash !== '') throw new Error('url ends with a #; write one in a password as %23');
  const [repeated] = repeatedIn(url.searchParams);
  if (repeated !== undefined) throw new Error(`url has the parameter ${repeated} more than once`);
  const parameters = new Map(url.searchParams);
  url.search = '';
  for (const key of parameters.keys())
    if (!REDIS_PARAMETERS.includes(key))
      throw new Error(`url has no parameter ${key}; it takes ${REDIS_PARAMETERS.join(', ')}`);
  const db = parameters.get('db');
  if (!/^\/?\d{0,4}$/.test(url.pathname))
    throw new Error(`url ends with ${url.pathname}, which is no number of a database`);
  const path = url.pathname.slice(1);
  if (db !== undefined && path !== '' && path !== db)
    throw new Error(`url has the database ${path}, and db=${db}; give one of them`);
  if (db !== undefined) url.pathname = `/${databaseOf(db)}`;
  const tls = parameters.get('tls');
  if (url.protocol === 'rediss:' && tls !== undefined && !isTls(tls))
    throw new Error(`url begins with rediss:, which is TLS, and has tls=${tls}; give one of them`);
  const protocol = isTls(tls) ? 'rediss:' : url.protocol;
  const family = familyOf(parameters.get('family'));
  const isNamed = url.hostname !== '' && !url.hostname.startsWith('[') && isIP(url.hostname) === 0;
  return {
    url: protocol + url.href.slice(url.protocol.length),
    ...(family !== undefined && { family }),
    ...(protocol === 'rediss:' && isNamed && { servername: url.hostname }),
  };
}

function databaseOf(text: string): string {
  if (/^\d{1,4}$/.test(text)) return text;
  throw new Error(`db=${text} is no number of a database`);
}

function isTls(text: string | undefined): boolean {
  if (text === undefined || text === '0' || text === 'false') return false;
  if (text === '' || text === '1' || text === 'true') return true;
  throw new Error(`tls=${text} is neither true nor false`);
}

function familyOf(text: string | undefined): 0 | 4 | 6 | undefined {
  if (text === undefined) return undefined;
  if (text === '0' || text === '4' || text === '6') return Number(text) as 0 | 4 | 6;
  throw new Error(`family=${text} is none of 0, 4 and 6`);
}
