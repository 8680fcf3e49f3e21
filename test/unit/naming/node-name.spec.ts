import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressOf,
  canonicalName,
  formatNodeName,
  MAX_NAME_LENGTH,
  parseNodeName,
} from '../../../lib/naming/node-name.js';
import { PeerageError } from '../../../lib/errors/peerage-error.js';

describe('node names', () => {
  it.each([
    ['app@host', { app: 'app', host: 'host', port: 4370 }],
    ['app@10.0.0.1:4001', { app: 'app', host: '10.0.0.1', port: 4001 }],
    ['my-app.v2@Host.Example', { app: 'my-app.v2', host: 'host.example', port: 4370 }],
    ['app@[::1]', { app: 'app', host: '::1', port: 4370 }],
    ['app@[fe80::1]:65535', { app: 'app', host: 'fe80::1', port: 65535 }],
    ['äpp@host', { app: 'äpp', host: 'host', port: 4370 }],
  ])('reads %s', (text, parts) => {
    expect(parseNodeName(text)).toEqual(parts);
  });

  it.each([
    ['', 'no @'],
    ['noat', 'no @'],
    ['@host', 'no app'],
    ['app@', 'no host'],
    ['a@b@c', 'two @'],
    ['a b@host', 'a space'],
    ['a\n@host', 'a newline'],
    ['a@ho\nst', 'a newline in the host'],
    ['a\u0000@host', 'a control character'],
    ['a@host:0', 'port 0'],
    ['a@host:65536', 'a port too high'],
    ['a@host:', 'an empty port'],
    ['a@host:12a', 'a port with a letter'],
    ['a@::1', 'IPv6 without brackets'],
    ['a@[nonsense]', 'brackets around no address'],
    ['a@-host', 'a host that begins with a dash'],
    [`a@${'h'.repeat(MAX_NAME_LENGTH)}`, 'too many characters'],
  ])('refuses %j (%s)', (text) => {
    expect(() => parseNodeName(text)).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
  });

  it('refuses what is no string, and says so', () => {
    expect(() => parseNodeName(7 as never)).toThrow('a node name is a string');
  });

  it('leaves the default port out, and keeps two texts of one name equal', () => {
    expect(canonicalName('a@H:4370')).toBe('a@h');
    expect(canonicalName('a@[::1]:4370')).toBe('a@[::1]');
    expect(addressOf('a@h')).toBe('h:4370');
    expect(addressOf('b@[::1]:1')).toBe('[::1]:1');
  });

  it('comes back from its text unchanged', () => {
    const app = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(app, host, fc.integer({ min: 1, max: 65_535 }), (name, where, port) => {
        const parts = { app: name, host: where.toLowerCase(), port };
        const text = formatNodeName(parts);
        fc.pre(text.length <= MAX_NAME_LENGTH);
        expect(parseNodeName(text)).toEqual(parts);
        expect(canonicalName(text)).toBe(text);
      }),
    );
  });

  it('either reads any text at all or refuses it by its code', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        try {
          const canonical = canonicalName(text);
          expect(canonicalName(canonical)).toBe(canonical);
        } catch (error) {
          expect(error).toBeInstanceOf(PeerageError);
          expect((error as PeerageError).code).toBe('INVALID_NAME');
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
