import { describe, expect, it } from 'vitest';
import type { MeetingPoint } from '../../../../lib/via/registry/registry.js';
import { MeetingSession } from '../../../../lib/via/registry/registry-session.js';
import { hangingOn } from '../../../support/signal-load.js';

const self = { name: 'app@10.0.0.9', port: 4_370, host: '10.0.0.9', bootId: '', meta: {} };

/** A store whose answers are scripted. */
class FakePoint implements MeetingPoint {
  registrations = 0;
  held: string[] = [];

  constructor(private readonly onRegister: (nth: number) => void = () => {}) {}

  async register(): Promise<void> {
    this.onRegister((this.registrations += 1));
  }

  async names(): Promise<string[]> {
    return this.held;
  }

  async leave(): Promise<void> {}

  listen(_self: unknown, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  async close(): Promise<void> {}
}

function run(point: MeetingPoint, ttlMs = 30): { end: () => Promise<string>; signal: AbortSignal } {
  const aborter = new AbortController();
  const { signal } = aborter;
  const ended = new MeetingSession(point, { self, signal, found: () => {} }, ttlMs).run().then(
    () => 'ended',
    (error: unknown) => String(error),
  );
  return {
    signal,
    end: () => {
      aborter.abort();
      return ended;
    },
  };
}

describe('one run at a meeting point', () => {
  it('leaves nothing on its signal, however often it refreshes', async () => {
    const point = new FakePoint();
    const { end, signal } = run(point);
    await expect.poll(() => point.registrations).toBeGreaterThan(2);
    const early = hangingOn(signal);
    await expect.poll(() => point.registrations, { timeout: 5_000 }).toBeGreaterThan(50);
    expect(hangingOn(signal)).toBeLessThanOrEqual(early + 1);
    expect(await end()).toBe('ended');
    expect(hangingOn(signal)).toBe(0);
  });

  it('takes a store that came back between write and read for one that was down', async () => {
    const point = new FakePoint((nth) => {
      if (nth === 1) throw new Error('not yet there');
    });
    const { end } = run(point);
    await expect.poll(() => point.registrations).toBeGreaterThan(2);
    expect(await end()).toBe('ended');
  });

  it('rejects when the store can be read, but not written to', async () => {
    const point = new FakePoint(() => {
      throw new Error('no right to write');
    });
    const { end } = run(point);
    await expect.poll(() => point.registrations).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await end()).toBe('Error: no right to write');
    expect(point.registrations).toBe(2);
  });
});
