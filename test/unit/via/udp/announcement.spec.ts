import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalName } from '../../../../lib/naming/node-name.js';
import type { Security } from '../../../../lib/peerage.options.js';
import {
  announcementKeys,
  decodeAnnouncement,
  encodeAnnouncement,
} from '../../../../lib/via/udp/announcement.js';

const secretOf = (...secrets: string[]): Security => ({ kind: 'secret', secrets });
const keyOf = (secret: string, cluster = 'c') => announcementKeys(secretOf(secret), cluster)[0]!;
const bytes = (text: string) => Buffer.from(text, 'utf8');
const nodeName = fc
  .tuple(fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/), fc.ipV4(), fc.integer({ min: 1, max: 65_535 }))
  .map(([app, host, port]) => canonicalName(`${app}@${host}:${port}`));

describe('an unsigned announcement', () => {
  it('is on the wire what the Elixir library sends', () => {
    expect(encodeAnnouncement('app@10.0.0.1').toString('latin1')).toBe('Peer:app@10.0.0.1');
    expect(decodeAnnouncement(bytes('Peer:app@10.0.0.1'))).toBe('app@10.0.0.1');
  });

  it('is read as its canonical name', () => {
    expect(decodeAnnouncement(bytes('Peer:app@Host:4370'))).toBe('app@host');
  });

  it.each([
    '',
    'Peer',
    'Peer:',
    'peer:a@b',
    'noat',
    'Peer:noat',
    'Peer:a@b@c',
    'Peer:a@b\n',
    'Peer:a\nb@c',
    'Peer:a@b c',
    'Peer: a@b',
    'Peer:a@b\0',
    'Peer:\uFEFFa@b c',
    'Peer:a@b:0',
    'Peer:a@b:99999',
    `Peer:${'a'.repeat(300)}@b`,
    `Peer:${'a'.repeat(60_000)}@b`,
  ])('%j is none', (text) => {
    expect(decodeAnnouncement(bytes(text))).toBeUndefined();
  });

  it('in invalid UTF-8 is none', () => {
    expect(decodeAnnouncement(Buffer.from([...bytes('Peer:a'), 0xff, ...bytes('@b')]))).toBeUndefined();
  });

  it('keeps the longest name whole', () => {
    const name = `${'ü'.repeat(253)}@b`;
    expect(decodeAnnouncement(encodeAnnouncement(name))).toBe(name);
    expect(decodeAnnouncement(encodeAnnouncement(name, keyOf('s')), [keyOf('s')])).toBe(name);
  });
});

describe('a signed announcement', () => {
  const [first, second] = [keyOf('first secret'), keyOf('second secret')];

  it('begins as an unsigned one, and its suffix is always the same', () => {
    const signed = encodeAnnouncement('app@10.0.0.1', first).toString('latin1');
    expect(signed).toMatch(/^Peer:app@10\.0\.0\.1 [\w-]{22}$/);
    expect(encodeAnnouncement('app@10.0.0.1', first).toString('latin1')).toBe(signed);
  });

  it('is accepted under any key of a rotation', () => {
    const signed = encodeAnnouncement('app@10.0.0.1', second);
    expect(decodeAnnouncement(signed, [first, second])).toBe('app@10.0.0.1');
    expect(decodeAnnouncement(signed, [second])).toBe('app@10.0.0.1');
    expect(decodeAnnouncement(signed, [first])).toBeUndefined();
  });

  it('is ignored without a secret, and an unsigned one with a secret', () => {
    expect(decodeAnnouncement(encodeAnnouncement('app@10.0.0.1', first))).toBeUndefined();
    expect(decodeAnnouncement(encodeAnnouncement('app@10.0.0.1'), [first])).toBeUndefined();
  });

  it('of another name or cluster is ignored', () => {
    const mac = encodeAnnouncement('app@10.0.0.1', first).toString('latin1').split(' ')[1]!;
    expect(decodeAnnouncement(bytes(`Peer:app@10.0.0.2 ${mac}`), [first])).toBeUndefined();
    const elsewhere = encodeAnnouncement('app@10.0.0.1', keyOf('first secret', 'other'));
    expect(decodeAnnouncement(elsewhere, [first])).toBeUndefined();
  });

  it('comes back whole, and not at all when one bit is different', () => {
    fc.assert(
      fc.property(nodeName, fc.nat(), fc.integer({ min: 0, max: 7 }), (name, at, bit) => {
        const signed = encodeAnnouncement(name, first);
        expect(decodeAnnouncement(signed, [first])).toBe(name);
        const tampered = Buffer.from(signed);
        tampered[at % signed.length]! ^= 1 << bit;
        expect(decodeAnnouncement(tampered, [first])).toBeUndefined();
      }),
    );
  });
});

describe('any datagram', () => {
  it('is a canonical name or nothing', () => {
    const suffix = fc.oneof(fc.uint8Array({ maxLength: 600 }), nodeName.map(bytes), fc.string().map(bytes));
    const datagram = fc.tuple(fc.constantFrom('Peer:', ''), suffix);
    fc.assert(
      fc.property(datagram, fc.boolean(), ([prefix, rest], isKeyed) => {
        const keys = isKeyed ? [keyOf('s')] : [];
        const name = decodeAnnouncement(Buffer.concat([bytes(prefix), rest]), keys);
        expect(name === undefined || canonicalName(name) === name).toBe(true);
      }),
    );
  });
});

describe('announcementKeys', () => {
  it('has one key per secret, and none without', () => {
    expect(announcementKeys(secretOf('a', 'b'), 'c')).toHaveLength(2);
    expect(announcementKeys({ kind: 'none' }, 'c')).toEqual([]);
  });
});
