import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SlotMap } from '../../../lib/messaging/slot-map.js';

it('holds what a map would, under numbers that do not come again', () => {
  const steps = fc.array(fc.oneof(fc.constant('add' as const), fc.nat(40)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (list) => {
      const slots = new SlotMap<object>();
      const model = new Map<number, object>();
      const given: number[] = [];
      for (const step of list) {
        if (step === 'add') {
          const value = {};
          const number = slots.add(value);
          expect(given).not.toContain(number);
          given.push(number);
          model.set(number, value);
        } else {
          const number = given[step % (given.length || 1)] ?? step;
          expect(slots.delete(number)).toBe(model.get(number));
          model.delete(number);
        }
        expect(slots.size).toBe(model.size);
        for (const number of given) expect(slots.get(number)).toBe(model.get(number));
        expect(new Map(slots)).toEqual(model);
      }
    }),
  );
});

it('takes a place again under another number, and keeps no more places than it needed at once', () => {
  const slots = new SlotMap<object>();
  const numbers = Array.from({ length: 1_000 }, () => {
    const number = slots.add({});
    slots.delete(number);
    return number;
  });
  expect(new Set(numbers).size).toBe(1_000);
  expect(new Set(numbers.map((number) => number % 2 ** 24)).size).toBe(1);
});

it.each([0, -1, 0.5, NaN, Infinity, 2 ** 24 + 1, '1', undefined])('knows nothing of %s', (number) => {
  const slots = new SlotMap<object>();
  slots.add({});
  expect(slots.get(number as number)).toBeUndefined();
  expect(slots.delete(number as number)).toBeUndefined();
  expect(slots.size).toBe(1);
});

it('lets what it holds be taken out while all are looked through', () => {
  const slots = new SlotMap<object>();
  const numbers = [slots.add({}), slots.add({}), slots.add({})];
  const seen: number[] = [];
  for (const [number] of slots) {
    seen.push(number);
    slots.delete(number);
    slots.delete(numbers[1]!);
  }
  expect(seen).toEqual([numbers[0], numbers[2]]);
});
