import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeProbe,
  isGenuine,
  PROBE_BYTES,
  readProbe,
  type Probe,
} from '../../../../lib/mesh/probes/probe-codec.js';

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'));
const probes: fc.Arbitrary<Probe> = fc.record({
  kind: fc.constantFrom('probe' as const, 'answer' as const),
  from: hex(16),
  to: hex(16),
  count: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  nonce: hex(8),
  ms: fc.integer({ min: 0, max: 0xffffffff }),
});
const key = randomBytes(32);

describe('probe datagrams', () => {
  it('come back from their bytes, with a MAC that fits', () => {
    fc.assert(
      fc.property(probes, (probe) => {
        const bytes = encodeProbe(probe, key);
        expect(bytes.length).toBe(PROBE_BYTES);
        expect(readProbe(bytes)).toEqual(probe);
        expect(isGenuine(bytes, key)).toBe(true);
        expect(isGenuine(bytes, randomBytes(32))).toBe(false);
      }),
    );
  });

  it('are not genuine when any bit was changed', () => {
    fc.assert(
      fc.property(probes, fc.integer({ min: 0, max: 8 * PROBE_BYTES - 1 }), (probe, bit) => {
        const bytes = encodeProbe(probe, key);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(isGenuine(bytes, key)).toBe(false);
      }),
    );
  });

  it('are told from anything else without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2 * PROBE_BYTES }), (bytes) => {
        expect(readProbe(Buffer.from(bytes))).toBeUndefined();
      }),
    );
  });
});
