import { describe, expect, it } from 'vitest';
import { Holdings } from '../../../lib/ownership/core/holdings.js';
import type { HoldingsInput } from '../../../lib/ownership/core/holdings.js';

const HANDOVER_MS = 1_000;

/** Drives the core, and keeps what it says. */
class Driver {
  nowMs = 0;
  readonly said: string[] = [];
  private wakeAtMs: number | undefined;
  private readonly core = new Holdings({ handoverMs: HANDOVER_MS, awayMs: 4_000 });

  handle(input: HoldingsInput): void {
    for (const directive of this.core.handle(input, this.nowMs)) {
      if (directive.type === 'wakeAt') this.wakeAtMs = directive.atMs;
      else this.said.push(`${this.nowMs} ${directive.type} ${directive.id}`);
    }
  }

  /** Time passes, and timers fire. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.wakeAtMs !== undefined && this.wakeAtMs <= endMs) {
      this.nowMs = this.wakeAtMs;
      this.wakeAtMs = undefined;
      this.handle({ type: 'wake' });
    }
    this.nowMs = endMs;
  }

  /** Time passes, and this process is stopped. */
  sleep(ms: number): void {
    this.nowMs += ms;
    if (this.wakeAtMs === undefined || this.wakeAtMs > this.nowMs) return;
    this.wakeAtMs = undefined;
    this.handle({ type: 'wake' });
  }

  mine(): void {
    this.handle({ type: 'view', members: ['self'], self: 'self' });
  }

  others(): void {
    this.handle({ type: 'view', members: ['other'] });
  }

  ended(failed = false): void {
    this.handle({ type: 'ended', id: 1, failed });
  }
}

function driver(): Driver {
  const made = new Driver();
  made.handle({ type: 'want', id: 1, key: 'key' });
  return made;
}

describe('a key', () => {
  it('is held a handover after it is gained, and let go at once when it is lost', () => {
    const node = driver();
    node.mine();
    node.pass(999);
    expect(node.said).toEqual([]);
    node.pass(500);
    node.others();
    node.ended();
    node.pass(10_000);
    expect(node.said).toEqual(['1000 begin 1', '1499 abort 1']);
  });

  it('is not held when it is lost again in time', () => {
    const node = driver();
    node.mine();
    node.pass(900);
    node.others();
    node.pass(10_000);
    expect(node.said).toEqual([]);
  });

  it('is begun again only when what ran has ended', () => {
    const node = driver();
    node.mine();
    node.pass(1_000);
    node.others();
    node.mine();
    node.pass(5_000);
    node.ended();
    expect(node.said).toEqual(['1000 begin 1', '1000 abort 1', '6000 begin 1']);
  });

  it('is begun again after a failure, later each time, and not after it has done its work', () => {
    const node = driver();
    node.mine();
    node.pass(1_000);
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      node.said.length = 0;
      const failedAtMs = node.nowMs;
      node.ended(true);
      node.pass(pauseMs);
      expect(node.said).toEqual([`${failedAtMs + pauseMs} begin 1`]);
    }
    node.said.length = 0;
    node.ended();
    node.pass(100_000);
    expect(node.said).toEqual([]);
    node.others();
    node.mine();
    node.pass(HANDOVER_MS);
    expect(node.said).toHaveLength(1);
  });

  it('is let go by a process that was away, before anything else, and held again after a handover', () => {
    const node = driver();
    node.mine();
    node.pass(1_000);
    node.sleep(4_500);
    node.ended();
    node.pass(10_000);
    expect(node.said).toEqual(['1000 begin 1', '5500 abort 1', '6500 begin 1']);
  });

  it('is kept by one that was away for a moment', () => {
    const node = driver();
    node.mine();
    node.pass(1_000);
    node.sleep(3_000);
    node.pass(10_000);
    expect(node.said).toEqual(['1000 begin 1']);
  });

  it('is released while it runs, while it waits, and before', () => {
    for (const ms of [2_000, 500, 0]) {
      const node = driver();
      if (ms > 0) node.mine();
      node.pass(ms);
      node.handle({ type: 'release', id: 1 });
      node.handle({ type: 'release', id: 1 });
      node.ended();
      node.mine();
      node.pass(10_000);
      expect(node.said).toEqual(ms === 2_000 ? ['1000 begin 1', '2000 abort 1'] : []);
    }
  });
});
