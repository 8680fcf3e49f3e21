import * as fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { viaDns } from '../../../lib/via/via-dns.js';
import { viaList } from '../../../lib/via/via-list.js';
import { viaLocal } from '../../../lib/via/via-local.js';
import { viaSelf } from '../../../lib/via/via-self.js';
import { viaUdp } from '../../../lib/via/via-udp.js';
import { parseViaUrl, parseViaUrls } from '../../../lib/via/via-url.js';

vi.mock('../../../lib/via/via-dns.js', { spy: true });
vi.mock('../../../lib/via/via-list.js', { spy: true });
vi.mock('../../../lib/via/via-local.js', { spy: true });
vi.mock('../../../lib/via/via-self.js', { spy: true });
vi.mock('../../../lib/via/via-udp.js', { spy: true });
beforeEach(() => vi.clearAllMocks());

const factories = { viaSelf, viaList, viaDns, viaUdp, viaLocal };

describe('parseViaUrl', () => {
  it.each<[string, keyof typeof factories, unknown[]]>([
    ['self:', 'viaSelf', []],
    ['self', 'viaSelf', []],
    ['list:a@127.0.0.1:4001;b@127.0.0.1:4002', 'viaList', [['a@127.0.0.1:4001', 'b@127.0.0.1:4002']]],
    ['list: a@[::1]:1 ; b@h;', 'viaList', [['a@[::1]:1', 'b@h']]],
    ['dns:myapp', 'viaDns', [{ dnsName: 'myapp' }]],
    ['dns://myapp', 'viaDns', [{ dnsName: 'myapp' }]],
    ['dns:', 'viaDns', [{}]],
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

  it.each<[string, RegExp]>([
    ['', /scheme is unknown/],
    ['myapp', /"myapp".*scheme is unknown.*self:.*list:.*dns:.*dns\+srv:.*udp:.*local:/],
    ['http://x', /"http:\/\/x".*scheme/],
    ['toString:', /scheme/],
    ['a@h', /list:/],
    ['self:x', /"self:x".*nothing/],
    ['list:a@h;noat', /"noat"/],
    ['dns:a b', /dnsName/],
    ['dns:a?port=x', /port=x/],
    ['dns:a?ports=1', /no parameter ports; it takes family, port, appName, nameservers/],
    ['self:?a=1', /takes none/],
    ['udp://230.1.1.1:x', /udp:\/\/address:port/],
    ['udp://10.0.0.1', /multicastAddr/],
    ['udp:?broadcast=maybe', /broadcast=maybe/],
    ['udp://230.1.1.1:99999', /port/],
    ['local:%zz', /%zz/],
  ])('%j is refused, and says why', (url, message) => {
    expect(() => parseViaUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(() => parseViaUrl(url)).toThrow(message);
  });

  it('makes a provider or a PeerageError of every text', () => {
    const scheme = fc.constantFrom('self', 'list', 'dns', 'dns+srv', 'udp', 'local', '', 'x');
    const url = fc.tuple(scheme, fc.string()).map(([name, rest]) => `${name}:${rest}`);
    const outcomeOf = (text: string): unknown => {
      try {
        return typeof parseViaUrl(text).poll;
      } catch (error) {
        return error instanceof PeerageError && error.code;
      }
    };
    fc.assert(
      fc.property(fc.oneof(url, fc.string()), (text) => {
        expect(['function', 'INVALID_OPTIONS']).toContain(outcomeOf(text));
      }),
    );
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
