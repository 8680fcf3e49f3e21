import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepAlive } from '../../../../lib/via/registry/keep-alive.js';
import { ANSWER_MS, KEEPALIVE_MS } from '../../../../lib/via/registry/registry.js';

describe('a connection that only listens', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const failureOf = (kept: Promise<void>) =>
    kept.then(
      () => 'none',
      (error: unknown) => (error as Error).message,
    );

  it('is asked again and again, and fails when it is dead without a word', async () => {
    let isDead = false;
    const ping = vi.fn<() => Promise<void>>(() => (isDead ? new Promise(() => {}) : Promise.resolve()));
    const failure = failureOf(keepAlive(ping, new AbortController().signal));
    await vi.advanceTimersByTimeAsync(3 * KEEPALIVE_MS);
    expect(ping).toHaveBeenCalledTimes(3);
    isDead = true;
    await vi.advanceTimersByTimeAsync(KEEPALIVE_MS + ANSWER_MS);
    expect(await failure).toMatch(/no answer any more/);
  });

  it('fails when it says so itself', async () => {
    const ping = () => Promise.reject(new Error('it ended'));
    const failure = failureOf(keepAlive(ping, new AbortController().signal));
    await vi.advanceTimersByTimeAsync(KEEPALIVE_MS);
    expect(await failure).toBe('it ended');
  });

  it('is left alone when the signal aborts', async () => {
    const aborter = new AbortController();
    const ping = vi.fn<() => Promise<void>>(() => Promise.resolve());
    const kept = keepAlive(ping, aborter.signal);
    aborter.abort();
    await kept;
    expect(ping).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
