import { beforeEach, describe, expect, it } from 'vitest';
import { OrderWatch } from '../../soak/order-watch.js';

describe('the watch over the order of messages', () => {
  let faults: string[];
  let watch: OrderWatch;
  beforeEach(() => {
    faults = [];
    watch = new OrderWatch((text) => faults.push(text));
  });

  it('says nothing of numbers that rise, with some left out', () => {
    for (const number of [1, 2, 5, 6, 100]) watch.handled('a', 'topic', number);
    expect(faults).toEqual([]);
  });

  it('keeps senders and topics apart', () => {
    watch.handled('a', 'one', 5);
    watch.handled('a', 'another', 1);
    watch.handled('b', 'one', 1);
    watch.handled('a', 'one', 6);
    expect(faults).toEqual([]);
  });

  it('finds a message that comes twice', () => {
    for (const number of [1, 2, 2]) watch.handled('a', 'topic', number);
    expect(faults).toEqual(['message 2 of a on topic was handled twice']);
  });

  it('finds one that comes again after others', () => {
    for (const number of [1, 2, 3, 2]) watch.handled('a', 'topic', number);
    expect(faults).toEqual(['message 2 of a on topic was handled twice']);
  });

  it('finds one that comes late, and goes on with the right number', () => {
    for (const number of [1, 3, 2, 4]) watch.handled('a', 'topic', number);
    expect(faults).toEqual(['message 2 of a on topic was handled after 3']);
  });

  it('remembers who is still heard, however many were restarted meanwhile', () => {
    watch.handled('lasting', 'topic', 10);
    for (let i = 0; i < 500; i += 1) {
      watch.handled(`restarted ${i}`, 'topic', 1);
      watch.handled('lasting', 'topic', 11 + i);
    }
    watch.handled('lasting', 'topic', 10);
    expect(faults).toHaveLength(1);
  });
});
