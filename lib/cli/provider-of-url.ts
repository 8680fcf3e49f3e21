import { PeerageError } from '../errors/peerage-error.js';
import type { PeerageProvider } from '../via/provider.js';
import { UrlQuery } from '../via/url-query.js';
import { parseViaUrl } from '../via/via-url.js';

type Reader = (url: string) => Promise<PeerageProvider>;

/** Providers that live behind subpaths, each loaded only when it is asked for. */
const READERS: Readonly<Record<string, Reader>> = {
  redis: readRedis,
  rediss: readRedis,
  postgres: readPostgres,
  postgresql: readPostgres,
  kubernetes: readKubernetes,
};

/**
 * Reads one provider URL, of every kind that there is.
 *
 * @throws PeerageError `INVALID_OPTIONS`
 */
export async function providerOfUrl(url: string): Promise<PeerageProvider> {
  const scheme = /^[a-z]+(?=:)/i.exec(url)?.[0].toLowerCase() ?? '';
  return Object.hasOwn(READERS, scheme) ? READERS[scheme]!(url) : parseViaUrl(url);
}

async function readRedis(url: string): Promise<PeerageProvider> {
  const { viaRedis } = await import('../redis/index.js');
  const { rest, query } = splitQuery(url);
  const key = query.text('key');
  expectNoMore(url, query);
  return viaRedis({ url: rest, ...(key !== undefined && { key }) });
}

/** What follows the question mark belongs to the connection string, apart from `table` and `cluster`. */
async function readPostgres(url: string): Promise<PeerageProvider> {
  const { viaPostgres } = await import('../postgres/index.js');
  const { rest, query } = splitQuery(url);
  const [table, cluster] = [query.text('table'), query.text('cluster')];
  const params = new URLSearchParams(url.slice(rest.length + 1));
  params.delete('table');
  params.delete('cluster');
  const connection = params.size === 0 ? rest : `${rest}?${params.toString()}`;
  return viaPostgres({
    url: connection,
    ...(table !== undefined && { table }),
    ...(cluster !== undefined && { cluster }),
  });
}

async function readKubernetes(url: string): Promise<PeerageProvider> {
  const { viaKubernetes } = await import('../kubernetes/index.js');
  const { rest, query } = splitQuery(url);
  const service = rest.replace(/^kubernetes:(\/\/)?/i, '');
  const options = {
    service: service === '' ? undefined : service,
    selector: query.text('selector'),
    namespace: query.text('namespace'),
    portName: query.text('portName'),
    port: query.number('port'),
    appName: query.text('appName'),
    includeNotReady: query.flag('includeNotReady'),
    server: query.text('server'),
    accountFolder: query.text('accountFolder'),
  };
  expectNoMore(url, query);
  return viaKubernetes(
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  );
}

function splitQuery(url: string): { rest: string; query: UrlQuery } {
  const mark = url.indexOf('?');
  return mark < 0
    ? { rest: url, query: new UrlQuery('') }
    : { rest: url.slice(0, mark), query: new UrlQuery(url.slice(mark + 1)) };
}

function expectNoMore(url: string, query: UrlQuery): void {
  try {
    query.expectNoMore();
  } catch (error) {
    const scheme = url.slice(0, url.indexOf(':') + 1);
    throw new PeerageError('INVALID_OPTIONS', `A provider URL ${scheme} is wrong: ${String(error)}.`, {
      cause: error,
    });
  }
}
