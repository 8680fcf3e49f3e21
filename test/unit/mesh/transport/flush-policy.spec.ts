import { describe, expect, it } from 'vitest';
import { FlushPolicy } from '../../../../lib/mesh/transport/flush-policy.js';

/** Messages of one turn. Returns how many went with each write. */
function turn(pace: FlushPolicy, messages: number, nowMs = 0): number[] {
  const writes: number[] = [];
  let waiting = 0;
  for (let i = 0; i < messages; i++) {
    if (pace.split()) {
      writes.push(waiting);
      pace.written(nowMs);
      waiting = 0;
    }
    pace.queued();
    waiting += 1;
  }
  writes.push(waiting);
  pace.written(nowMs);
  return writes;
}

function arrive(pace: FlushPolicy, messages: number): void {
  for (let i = 0; i < messages; i++) pace.arrived();
}

describe('the pace of messages', () => {
  it.each([16, 64, 200])('writes in halves what is answered all at once: %i', (open) => {
    const pace = new FlushPolicy();
    turn(pace, open);
    arrive(pace, open);
    expect(turn(pace, open)).toEqual([open / 2, open / 2]);
  });

  it('writes one half at a time when the other is under way', () => {
    const pace = new FlushPolicy();
    turn(pace, 64);
    for (let i = 0; i < 100; i++) {
      arrive(pace, 32);
      expect(turn(pace, 32)).toEqual([32]);
    }
  });

  it.each([1, 8])('writes %i at the end of the turn: two writes cost more than they gain', (open) => {
    const pace = new FlushPolicy();
    for (let i = 0; i < 10; i++) {
      expect(turn(pace, open)).toEqual([open]);
      arrive(pace, open);
    }
  });

  it('writes at the end of the turn when it only answers', () => {
    const pace = new FlushPolicy();
    for (let i = 0; i < 10; i++) {
      arrive(pace, 100);
      expect(turn(pace, 100)).toEqual([100]);
    }
  });

  it('writes at the end of the turn what nobody answers, and not more than 128 at once', () => {
    const pace = new FlushPolicy();
    for (let i = 0; i < 10; i++) turn(pace, 100);
    expect(turn(pace, 100)).toEqual([100]);
    expect(turn(pace, 300)).toEqual([128, 128, 44]);
  });

  it('follows when fewer are open', () => {
    const pace = new FlushPolicy();
    turn(pace, 200);
    arrive(pace, 200);
    for (let i = 0; i < 50; i++) {
      turn(pace, 20);
      arrive(pace, 20);
    }
    expect(turn(pace, 20)).toEqual([10, 10]);
  });

  it('begins anew after a second in which nothing was sent', () => {
    const pace = new FlushPolicy();
    for (let i = 0; i < 10; i++) turn(pace, 100); // nobody answers these
    turn(pace, 20, 1_001);
    arrive(pace, 20);
    expect(turn(pace, 20, 1_002)).toEqual([10, 10]);
  });
});
