import fc from 'fast-check';
import { expect, it } from 'vitest';
import { labelsOf, listed } from '../../../lib/dashboard/labels.js';

it.each([
  [
    ['app@10.0.0.1', 'app@10.0.0.2'],
    ['10.0.0.1', '10.0.0.2'],
  ],
  [
    ['app@127.0.0.1', 'app@127.0.0.1:5000'],
    [':4370', ':5000'],
  ],
  [
    ['app@10.0.0.1:5000', 'app@10.0.0.2:6000'],
    ['10.0.0.1:5000', '10.0.0.2:6000'],
  ],
  [
    ['a@10.0.0.1', 'b@10.0.0.1:1'],
    ['a@:4370', 'b@:1'],
  ],
  [['app@10.0.0.1'], ['app@10.0.0.1']],
  [
    ['app@10.0.0.1', 'no name at all'],
    ['app@10.0.0.1', 'no name at all'],
  ],
])('of %j are %j', (names, labels) => {
  expect(labelsOf(names)).toEqual(labels);
});

it('of different names differ', () => {
  const part = fc.tuple(
    fc.constantFrom('a', 'b'),
    fc.constantFrom('h', '10.0.0.1', '[::1]'),
    fc.nat({ max: 3 }),
  );
  const name = part.map(([app, host, port]) => `${app}@${host}:${port + 1}`);
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1 }), (names) => {
      expect(new Set(labelsOf(names)).size).toBe(names.length);
    }),
  );
});

it('names in a sentence are few', () => {
  expect(listed([])).toBe('nobody');
  expect(listed(['a', 'b', 'c'])).toBe('a, b and c');
  expect(listed(['a', 'b', 'c', 'd', 'e', 'f'])).toBe('a, b, c and 3 more');
});
