import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ClusterClock } from '../../../lib/testing/cluster/cluster-clock.js';

describe('the time of a cluster under test', () => {
  it('stands still, but what is due fires by itself, and in order', async () => {
    const clock = new ClusterClock();
    const fired: string[] = [];
    clock.after(1, () => fired.push('later'));
    clock.after(0, () => {
      fired.push('first');
      clock.after(0, () => fired.push('third'));
    });
    clock.after(0, () => fired.push('second'));
    expect(fired).toEqual([]);
    while (fired.length < 3) await turn();
    await clock.settle();
    expect([fired, clock.now()]).toEqual([['first', 'second', 'third'], 0]);
    await clock.move(1);
    expect(fired.at(-1)).toBe('later');
  });

  it('is moved by one after the other', async () => {
    const clock = new ClusterClock();
    const seen: number[] = [];
    clock.after(5, () => seen.push(clock.now()));
    clock.after(15, () => seen.push(clock.now()));
    await Promise.all([clock.move(10), clock.move(10)]);
    expect([seen, clock.now()]).toEqual([[5, 15], 20]);
  });

  it('is still moved after a timer has thrown', async () => {
    const clock = new ClusterClock();
    clock.after(5, () => {
      throw new Error('of a timer');
    });
    await expect(clock.move(10)).rejects.toThrow('of a timer');
    await clock.move(10);
    expect(clock.now()).toBe(15);
  });

  it('settles when what is under way is over, also what takes some turns', async () => {
    const clock = new ClusterClock();
    const fired: string[] = [];
    clock.after(0, async () => {
      await turn();
      clock.after(0, async () => {
        await Promise.resolve();
        fired.push('the end');
      });
    });
    await clock.settle();
    expect([fired, clock.pending]).toEqual([['the end'], 0]);
  });

  it('has a date that moves with it', async () => {
    const before = Date.now();
    const clock = new ClusterClock();
    await clock.move(86_400_000);
    expect(clock.date() - before).toBeGreaterThanOrEqual(86_400_000);
    expect(clock.date() - before).toBeLessThan(86_460_000);
  });
});
