import { describe, expect, it } from 'vitest';
import { FlushPolicy } from '../../../../lib/mesh/transport/flush-policy.js';

/** Messages of one turn. Returns how many went with each write. */
function turn(policy: FlushPolicy, messages: number, nowMs = 0): number[] {
  const writes: number[] = [];
  let waiting = 0;
  for (let i = 0; i < messages; i++) {
    if (policy.shouldFlush) {
      policy.beforeEarlyFlush();
      writes.push(waiting);
      policy.onFlushed(nowMs);
      waiting = 0;
    }
    policy.onQueued();
    waiting += 1;
  }
  writes.push(waiting);
  policy.onFlushed(nowMs);
  return writes;
}

function arrive(policy: FlushPolicy, messages: number): void {
  for (let i = 0; i < messages; i++) policy.onReceived();
}

describe('the policy of messages', () => {
  it.each([16, 64, 200])('writes in halves what is answered all at once: %i', (open) => {
    const policy = new FlushPolicy();
    turn(policy, open);
    arrive(policy, open);
    expect(turn(policy, open)).toEqual([open / 2, open / 2]);
  });

  it('writes one half at a time when the other is under way', () => {
    const policy = new FlushPolicy();
    turn(policy, 64);
    for (let i = 0; i < 100; i++) {
      arrive(policy, 32);
      expect(turn(policy, 32)).toEqual([32]);
    }
  });

  it.each([1, 8])('writes %i at the end of the turn: two writes cost more than they gain', (open) => {
    const policy = new FlushPolicy();
    for (let i = 0; i < 10; i++) {
      expect(turn(policy, open)).toEqual([open]);
      arrive(policy, open);
    }
  });

  it('writes at the end of the turn when it only answers', () => {
    const policy = new FlushPolicy();
    for (let i = 0; i < 10; i++) {
      arrive(policy, 100);
      expect(turn(policy, 100)).toEqual([100]);
    }
  });

  it('writes at the end of the turn what nobody answers, and not more than 128 at once', () => {
    const policy = new FlushPolicy();
    for (let i = 0; i < 10; i++) turn(policy, 100);
    expect(turn(policy, 100)).toEqual([100]);
    expect(turn(policy, 300)).toEqual([128, 128, 44]);
  });

  it('follows when fewer are open', () => {
    const policy = new FlushPolicy();
    turn(policy, 200);
    arrive(policy, 200);
    for (let i = 0; i < 50; i++) {
      turn(policy, 20);
      arrive(policy, 20);
    }
    expect(turn(policy, 20)).toEqual([10, 10]);
  });

  it('begins anew after a second in which nothing was sent', () => {
    const policy = new FlushPolicy();
    for (let i = 0; i < 10; i++) turn(policy, 100); // nobody answers these
    turn(policy, 20, 1_001);
    arrive(policy, 20);
    expect(turn(policy, 20, 1_002)).toEqual([10, 10]);
  });
});
