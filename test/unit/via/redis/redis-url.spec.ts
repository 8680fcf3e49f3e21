import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRedisUrl } from '../../../../lib/via/redis/redis-url.js';

const hosts = fc.oneof(
  fc.constantFrom('localhost', 'redis', 'cache.example.com', '[::1]', '[fd00::6]'),
  fc.ipV4(),
);
const parts = fc.record({
  scheme: fc.constantFrom('redis', 'rediss'),
  user: fc.constantFrom('', 'me:secret@', ':s%23cret@'),
  host: hosts,
  port: fc.constantFrom('', ':6379', ':7000'),
  path: fc.constantFrom('', '/', '/0', '/15'),
  parameters: fc.uniqueArray(
    fc.constantFrom('db=3', 'family=0', 'family=6', 'tls', 'tls=true', 'tls=false'),
    {
      selector: (parameter) => parameter.split('=')[0],
    },
  ),
});

describe('the URL of a Redis server', () => {
  it('says what it says, or is refused: nothing is passed over', () => {
    fc.assert(
      fc.property(parts, ({ scheme, user, host, port, path, parameters }) => {
        const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
        const said = new URLSearchParams(query);
        const [db, tls, family] = [said.get('db'), said.get('tls'), said.get('family')];
        const read = () => readRedisUrl(`${scheme}://${user}${host}${port}${path}${query}`);
        const isContradiction =
          (db !== null && path.length > 1) || (scheme === 'rediss' && tls !== null && tls === 'false');
        if (isContradiction) {
          expect(read).toThrow(/give one of them/);
          return;
        }
        const address = read();
        const isTls = scheme === 'rediss' || (tls !== null && tls !== 'false');
        const database = db === null ? path : `/${db}`;
        expect(address.url).toBe(`redis${isTls ? 's' : ''}://${user}${host}${port}${database}`);
        expect(address.family).toBe(family === null ? undefined : Number(family));
        const isName = isIP(host) === 0 && !host.startsWith('[');
        expect(address.servername).toBe(isTls && isName ? host : undefined);
      }),
      { numRuns: 300 },
    );
  });

  it('is an address, or is refused, whatever the text', () => {
    const text = fc
      .tuple(fc.constantFrom('redis://', 'rediss://', 'redis:', ''), fc.string())
      .map((two) => two.join(''));
    fc.assert(
      fc.property(text, (url) => {
        let address;
        try {
          address = readRedisUrl(url);
        } catch {
          return;
        }
        const { search, hash, pathname } = new URL(address.url);
        expect([search, hash]).toEqual(['', '']);
        expect(pathname).toMatch(/^\/?\d{0,4}$/);
      }),
      { numRuns: 300 },
    );
  });
});
