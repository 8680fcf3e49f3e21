import * as fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { READERS } from '../../../../lib/via/url/via-url-readers.js';
import { parseViaUrl, parseViaUrls } from '../../../../lib/via/url/via-url.js';
import { PeerageError } from '../../../../lib/errors/peerage-error.js';
import { viaKubernetes } from '../../../../lib/via/kubernetes/via-kubernetes.js';
import { viaPostgres } from '../../../../lib/via/postgres/via-postgres.js';
import { viaRedis } from '../../../../lib/via/redis/via-redis.js';
import { viaDns } from '../../../../lib/via/dns/via-dns.js';
import { viaList } from '../../../../lib/via/via-list.js';
import { viaLocal } from '../../../../lib/via/local/via-local.js';
import { viaSelf } from '../../../../lib/via/via-self.js';
import { viaUdp } from '../../../../lib/via/udp/via-udp.js';

vi.mock('../../../../lib/via/dns/via-dns.js', { spy: true });
vi.mock('../../../../lib/via/via-list.js', { spy: true });
vi.mock('../../../../lib/via/local/via-local.js', { spy: true });
vi.mock('../../../../lib/via/via-self.js', { spy: true });
vi.mock('../../../../lib/via/udp/via-udp.js', { spy: true });
vi.mock('../../../../lib/via/redis/via-redis.js', { spy: true });
vi.mock('../../../../lib/via/postgres/via-postgres.js', { spy: true });
vi.mock('../../../../lib/via/kubernetes/via-kubernetes.js', { spy: true });
beforeEach(() => vi.clearAllMocks());

const factories = { viaSelf, viaList, viaDns, viaUdp, viaLocal };
const lazyFactories = { viaRedis, viaPostgres, viaKubernetes };
const self = { name: 'app@10.0.0.9', port: 4_370, host: '10.0.0.9', bootId: '', meta: {} };

describe('parseViaUrl', () => {
  it.each<[string, keyof typeof factories, unknown[]]>([
    ['self:', 'viaSelf', []],
    ['self', 'viaSelf', []],
    ['list:a@127.0.0.1:4001;b@127.0.0.1:4002', 'viaList', [['a@127.0.0.1:4001', 'b@127.0.0.1:4002']]],
    ['list: a@[::1]:1 ; b@h;', 'viaList', [['a@[::1]:1', 'b@h']]],
    ['dns:myapp', 'viaDns', [{ dnsName: 'myapp' }]],
    ['dns://myapp', 'viaDns', [{ dnsName: 'myapp' }]],
    [
      'dns:myapp?port=4000&appName=x&family=4&nameservers=10.0.0.1;[::1]:53',
      'viaDns',
      [{ dnsName: 'myapp', port: 4_000, appName: 'x', family: 4, nameservers: ['10.0.0.1', '[::1]:53'] }],
    ],
    ['dns+srv:_peerage._tcp.myapp', 'viaDns', [{ dnsName: '_peerage._tcp.myapp', srv: true }]],
    ['udp://230.1.1.1:45900', 'viaUdp', [{ multicastAddr: '230.1.1.1', port: 45_900 }]],
    ['udp:', 'viaUdp', [{}]],
    ['UDP://:5000/', 'viaUdp', [{ port: 5_000 }]],
    [
      'udp://239.0.0.1?ttl=2&ip=10.0.0.1&broadcast',
      'viaUdp',
      [{ multicastAddr: '239.0.0.1', ttl: 2, ip: '10.0.0.1', broadcast: true }],
    ],
    ['udp:?broadcast=false', 'viaUdp', [{ broadcast: false }]],
    ['local:', 'viaLocal', [{}]],
    ['local:/run/my%20app', 'viaLocal', [{ dir: '/run/my app' }]],
    ['local:///run/app', 'viaLocal', [{ dir: '/run/app' }]],
  ])('%s', (url, factory, args) => {
    const provider = parseViaUrl(url);
    expect(factories[factory]).toHaveBeenCalledExactlyOnceWith(...args);
    expect(provider.poll).toBeTypeOf('function');
  });

  it.each<[string, string, keyof typeof lazyFactories, unknown]>([
    ['redis://h:6379', 'redis', 'viaRedis', { url: 'redis://h:6379' }],
    ['REDISS://u:p@h/2?key=k', 'redis', 'viaRedis', { url: 'rediss://u:p@h/2', key: 'k' }],
    ['redis://h?ttlMs=5000', 'redis', 'viaRedis', { url: 'redis://h', ttlMs: 5_000 }],
    ['postgres://u:p@h:1/db', 'postgres', 'viaPostgres', { url: 'postgres://u:p@h:1/db' }],
    [
      'postgresql://h/db?table=a.b&sslmode=require&cluster=c&options=a%26b&ttlMs=2000',
      'postgres',
      'viaPostgres',
      {
        url: 'postgresql://h/db?sslmode=require&options=a%26b',
        table: 'a.b',
        cluster: 'c',
        ttlMs: 2_000,
      },
    ],
    [
      'kubernetes:web?namespace=prod',
      'kubernetes:prod/web',
      'viaKubernetes',
      { service: 'web', namespace: 'prod' },
    ],
    [
      'kubernetes:?namespace=n&selector=app%3Da%2Ctier%3Db&port=1&portName=mesh&appName=x&includeNotReady=false',
      'kubernetes:n/app=a,tier=b',
      'viaKubernetes',
      {
        namespace: 'n',
        selector: 'app=a,tier=b',
        port: 1,
        portName: 'mesh',
        appName: 'x',
        includeNotReady: false,
      },
    ],
  ])('%s, which is loaded at the first poll', async (url, name, factory, options) => {
    const provider = parseViaUrl(url);
    expect(provider.name).toBe(name);
    expect(lazyFactories[factory]).not.toHaveBeenCalled();
    const mock: { mockReturnValueOnce(value: unknown): unknown } = vi.mocked(lazyFactories[factory]);
    const served: unknown[] = [];
    mock.mockReturnValueOnce({
      poll: () => ['a@h'],
      serve: async (context: unknown) => void served.push(context),
    });
    const context = { self, signal: new AbortController().signal, found: () => {} };
    expect(await provider.poll(context)).toEqual(['a@h']);
    await provider.serve!(context);
    expect(served).toEqual([context]);
    expect(lazyFactories[factory]).toHaveBeenCalledExactlyOnceWith(options);
  });

  it.each<[string, RegExp]>([
    ['', /scheme is unknown/],
    ['myapp', /"myapp".*scheme is unknown.*self:.*list:.*dns:.*dns\+srv:.*udp:.*local:/],
    ['http://x', /"http:\/\/x".*scheme/],
    ['toString:', /scheme/],
    ['a@h', /list:/],
    ['self:x', /"self:x".*nothing/],
    ['list:a@h;noat', /"noat"/],
    ['list:', /nothing follows the colon/],
    ['list: ; ;', /nothing follows the colon/],
    ['dns:', /nothing follows the colon.*dns:myapp/],
    ['dns:?port=4370', /nothing follows the colon/],
    ['dns+srv:?nameservers=10.0.0.1', /nothing follows the colon/],
    ['dns:a?port=1&port=1', /port more than once/],
    ['dns:a b', /dnsName/],
    ['dns:a?port=x', /port=x/],
    ['dns:a?ports=1', /no parameter ports; it takes family, port, appName, nameservers/],
    ['self:?a=1', /takes none/],
    ['udp://230.1.1.1:x', /udp:\/\/address:port/],
    ['udp://10.0.0.1', /multicastAddr/],
    ['udp:?broadcast=maybe', /broadcast=maybe/],
    ['udp://230.1.1.1:99999', /port/],
    ['local:%zz', /%zz/],
    ['redis://h?kee=x', /no parameter kee; it takes key, ttlMs, db, family, tls/],
    ['redis://h?ttlMs=10', /ttlMs 10/],
    ['redi://user:x@h', /scheme is unknown/],
    ['"dns:myapp"', /quotes around it are part of the value.*--env-file/],
    ["'redis://user:geheim@h'", /^"…" .*quotes/],
    ['"list:a@h"', /quotes/],
    ['redis://h/1?db=2', /database 1, and db=2/],
    ['redis://h?db=1&db=2', /db more than once/],
    ['rediss://h?tls=false', /rediss:.*tls=false/],
    ['redis://:a#b@h', /form redis:|%23/],
    ['postgres://h/db?sslmode=require&sslmode=disable', /sslmode more than once/],
    ['postgres://h/db?table=a-b', /table/],
    ['redis://$(REDIS_HOST):6379', /was not expanded by whoever sets it/],
    ['dns:${SERVICE}', /was not expanded/],
    ['file:{{ peers }}', /was not expanded/],
    ['kubernetes:?namespace=n', /one of service and selector/],
    ['kubernetes:Web_1', /service "Web_1"/],
    ['kubernetes:web?port=0', /port 0/],
    ['kubernetes:web?portName=', /portName is empty/],
    ['kubernetes:web?accountFolder=', /accountFolder is empty/],
  ])('%j is refused, and says why', (url, message) => {
    expect(() => parseViaUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(() => parseViaUrl(url)).toThrow(message);
  });

  it.each([
    'redis://u:12/secret@h',
    'redis://u:1?secret@h',
    'redis://u:1@h?db=2&secret@h',
    'postgres://u:1?secret@h/db',
  ])('%s is refused without its password where it is given to its provider', (url) => {
    const given = () => (url.startsWith('redis') ? viaRedis({ url }) : viaPostgres({ url }));
    expect(given).toThrow(/: what is wrong is not shown, .* %2C/);
  });

  const outcomeOf = (text: string): unknown => {
    try {
      return typeof parseViaUrl(text).poll;
    } catch (error) {
      return error instanceof PeerageError && error.code;
    }
  };

  it('makes a provider or a PeerageError of every text', () => {
    const scheme = fc.constantFrom(...Object.keys(READERS), '', 'x');
    const url = fc.tuple(scheme, fc.string()).map(([name, rest]) => `${name}:${rest}`);
    fc.assert(
      fc.property(fc.oneof(url, fc.string()), (text) => {
        expect(['function', 'INVALID_OPTIONS']).toContain(outcomeOf(text));
      }),
    );
  });

  describe('parameters', () => {
    /** URLs that work, each with values for all of its parameters. */
    const whole: [url: string, parameters: Record<string, string>][] = [
      ['self:', {}],
      ['list:a@h', {}],
      ['dns:myapp', { port: '1', appName: 'x', family: '4', nameservers: '10.0.0.1' }],
      ['dns+srv:myapp', { port: '1', appName: 'x', family: '6', nameservers: '[::1]:53' }],
      ['udp://230.1.1.1', { ip: '10.0.0.1', ttl: '2', broadcast: 'true' }],
      ['file:peers.txt', {}],
      ['local:', {}],
      ['redis://h', { key: 'k', ttlMs: '5000', db: '1', family: '6', tls: 'true' }],
      ['rediss://h/1', { key: 'k', ttlMs: '5000', db: '1', family: '0', tls: '1' }],
      ['postgres://h/db', { table: 't', cluster: 'c', ttlMs: '5000', sslmode: 'require' }],
      ['postgresql://h/db', { table: 's.t', cluster: 'c', ttlMs: '5000', connect_timeout: '3' }],
      [
        'kubernetes:web',
        {
          namespace: 'n',
          portName: 'mesh',
          port: '1',
          appName: 'x',
          includeNotReady: 'false',
          server: 'http://h',
          accountFolder: '/a',
        },
      ],
    ];
    const cases = fc.constantFrom(...whole).chain(([url, parameters]) =>
      fc.record({
        url: fc.constant(url),
        all: fc.constant(parameters),
        chosen: fc.subarray(Object.keys(parameters)),
      }),
    );
    const withQuery = (url: string, entries: readonly (readonly [string, string])[]) =>
      entries.length === 0
        ? url
        : `${url}?${entries.map((entry) => entry.map(encodeURIComponent).join('=')).join('&')}`;

    /** Those of providers that are made at once, with what they become. */
    const made: [url: string, parameter: string, options: () => unknown][] = [
      ...['port', 'appName', 'family', 'nameservers'].flatMap((parameter) =>
        ['dns:myapp', 'dns+srv:myapp'].map((url): (typeof made)[number] => [
          url,
          parameter,
          () => vi.mocked(viaDns).mock.lastCall?.[0],
        ]),
      ),
      ...['ip', 'ttl', 'broadcast'].map((parameter): (typeof made)[number] => [
        'udp://230.1.1.1',
        parameter,
        () => vi.mocked(viaUdp).mock.lastCall?.[0],
      ]),
    ];

    it('mean what they say, or are refused: no value becomes a default in silence', () => {
      const value = fc.oneof(
        fc.string(),
        fc.nat().map(String),
        fc.ipV4(),
        fc.constantFrom(
          '',
          ' ',
          '0',
          '4',
          '6',
          '1e3',
          '-1',
          'true',
          'TRUE',
          'no',
          '10.0.0.1;10.0.0.2',
          '${PORT}',
        ),
      );
      fc.assert(
        fc.property(fc.constantFrom(...made), value, ([url, parameter, options], text) => {
          if (outcomeOf(withQuery(url, [[parameter, text]])) !== 'function') return;
          const taken = (options() as Record<string, unknown>)[parameter];
          const isFlag = typeof taken === 'boolean';
          if (isFlag) expect((taken ? ['', '1', 'true'] : ['0', 'false']).includes(text)).toBe(true);
          else if (Array.isArray(taken)) expect(taken).toEqual(text.split(';').map((item) => item.trim()));
          else if (typeof taken === 'number') expect(taken).toBe(Number(text));
          else expect(taken).toBe(text);
        }),
        { numRuns: 500 },
      );
    });

    it('are tried for every scheme', () => {
      expect(new Set(whole.map(([url]) => url.split(':')[0]))).toEqual(new Set(Object.keys(READERS)));
    });

    it('work in any choice, and are refused when one is misspelt, twice there or empty', () => {
      fc.assert(
        fc.property(cases, fc.string({ minLength: 1 }), fc.nat(), ({ url, all, chosen }, letters, at) => {
          const given = chosen.map((key) => [key, all[key]!] as const);
          expect(outcomeOf(withQuery(url, given))).toBe('function');
          const stranger = `${chosen[0] ?? ''}${letters}`;
          fc.pre(!(stranger in all));
          expect(outcomeOf(withQuery(url, [...given, [stranger, '1']]))).toBe('INVALID_OPTIONS');
          if (given.length === 0) return;
          const [key, value] = given[at % given.length]!;
          expect(outcomeOf(withQuery(url, [...given, [key, value]]))).toBe('INVALID_OPTIONS');
          // A switch that says nothing is on, and a driver's own parameters are the driver's.
          const isSwitch = ['broadcast', 'tls', 'includeNotReady'].includes(key);
          if (isSwitch || ['sslmode', 'connect_timeout'].includes(key)) return;
          const emptied = given.map(([k, v]) => [k, k === key ? '' : v] as const);
          expect(outcomeOf(withQuery(url, emptied))).toBe('INVALID_OPTIONS');
        }),
        { numRuns: 100 },
      );
    });
  });
});

describe('parseViaUrls', () => {
  it('reads several, in order', () => {
    expect(parseViaUrls(' dns:app , list:a@h;b@h,,self: ').map(({ name }) => name)).toEqual([
      'dns:app',
      'list',
      'self',
    ]);
  });

  it('names every bad part, and no good one', () => {
    const parse = () => parseViaUrls('self:,foo:1,list:a@h,bar');
    expect(parse).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(parse).toThrow(/"foo:1".*"bar"/);
    expect(parse).not.toThrow(/"self:"/);
  });

  it.each(['', ' ', ','])('refuses %j', (text) => {
    expect(() => parseViaUrls(text)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});
