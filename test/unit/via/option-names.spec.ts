import { describe, expect, it } from 'vitest';
import { viaDns, viaLocal, viaUdp } from '../../../lib/index.js';
import { viaKubernetes } from '../../../lib/via/kubernetes/index.js';
import { viaPostgres } from '../../../lib/via/postgres/index.js';
import { viaRedis } from '../../../lib/via/redis/index.js';

type Maker = (options: never) => unknown;

describe('options of providers', () => {
  it.each<[string, Maker, object, string]>([
    ['viaLocal()', viaLocal, { directory: '/tmp' }, '"directory" (did you mean "dir"?); there are dir.'],
    [
      'viaDns()',
      viaDns,
      { dnsname: 'app' },
      '"dnsname" (did you mean "dnsName"?); there are dnsName, appName',
    ],
    ['viaDns()', viaDns, { dnsName: 'a', prot: 1 }, '"prot" (did you mean "port"?)'],
    ['viaUdp()', viaUdp, { multicastAdr: '230.1.1.1' }, '"multicastAdr" (did you mean "multicastAddr"?)'],
    ['viaUdp()', viaUdp, { zzz: 1 }, '"zzz"; there are port'],
    ['viaRedis()', viaRedis, { url: 'redis://a', ttl: 1 }, '"ttl" (did you mean "ttlMs"?)'],
    ['viaPostgres()', viaPostgres, { uri: 'postgres://a/b' }, '"uri" (did you mean "url"?)'],
    ['viaKubernetes()', viaKubernetes, { services: 'a' }, '"services" (did you mean "service"?)'],
  ])('of %s that do not exist are told', (maker, via, options, text) => {
    expect(() => via(options as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTIONS',
        message: expect.stringContaining(`${maker} has no option ${text}`),
      }),
    );
  });

  it.each<[string, Maker]>([
    ['viaLocal()', viaLocal],
    ['viaDns()', viaDns],
    ['viaUdp()', viaUdp],
    ['viaRedis()', viaRedis],
    ['viaPostgres()', viaPostgres],
    ['viaKubernetes()', viaKubernetes],
  ])('of %s are an object', (maker, via) => {
    for (const options of ['myapp', null, ['myapp'], 5])
      expect(() => via(options as never)).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTIONS',
          message: expect.stringContaining(`${maker} takes`),
        }),
      );
  });
});
