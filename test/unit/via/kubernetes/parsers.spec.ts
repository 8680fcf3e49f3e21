import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../../lib/via/kubernetes/kube-lines.js';
import { addressesIn, nameAt } from '../../../../lib/via/kubernetes/kube-names.js';
import { canonicalName } from '../../../../lib/naming/node-name.js';

async function collect(chunks: readonly Buffer[], maxBytes = 1_000): Promise<string[]> {
  const lines: string[] = [];
  async function* stream() {
    yield* chunks;
  }
  for await (const line of linesOf(stream(), maxBytes)) lines.push(line);
  return lines;
}

describe('the lines of a stream', () => {
  it('are the same however it is cut', async () => {
    const line = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => /\S/.test(text) && !text.includes('\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(40)), async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const chunks: Buffer[] = [];
        let start = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(start, start + cut));
          start += cut;
        }
        chunks.push(bytes.subarray(start));
        expect(await collect(chunks, 10_000)).toEqual(lines);
      }),
    );
  });

  it('leave out an unfinished one, and are not endless', async () => {
    expect(await collect([Buffer.from('a\nb')])).toEqual(['a']);
    await expect(collect([Buffer.alloc(600, 'x'), Buffer.alloc(600, 'x')])).rejects.toThrow(/more than 1000/);
  });
});

describe('an object of the API', () => {
  it('gives addresses or nothing, and names that are names, whatever it is', () => {
    const self = { name: 'a@10.0.0.1:4001', bootId: '1', host: '10.0.0.1', port: 4001, meta: {} };
    const text = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6());
    const endpoint = fc.record({ addresses: fc.array(text), conditions: fc.object() }, { requiredKeys: [] });
    const slice = fc.record(
      { endpoints: fc.oneof(fc.anything(), fc.array(endpoint)), ports: fc.anything() },
      { requiredKeys: [] },
    );
    const pod = fc.record(
      { metadata: fc.anything(), spec: fc.anything(), status: fc.record({ podIP: text }) },
      { requiredKeys: [] },
    );
    const wanted = fc.record({
      kind: fc.constantFrom('pods', 'endpointslices'),
      includeNotReady: fc.boolean(),
      portName: fc.constantFrom('mesh', undefined),
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), slice, pod), wanted, (object, options) => {
        for (const address of addressesIn(object, options)) {
          const name = nameAt(address, self, { appName: undefined, port: undefined });
          if (name !== undefined) expect(canonicalName(name)).toBe(name);
        }
      }),
    );
  });
});
