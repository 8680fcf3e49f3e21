import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Sleeper } from '../../../lib/time/sleeper.js';

describe('a loop that sleeps', () => {
  let aborter: AbortController;
  let sleeper: Sleeper;
  beforeEach(() => {
    vi.useFakeTimers();
    aborter = new AbortController();
    sleeper = new Sleeper(aborter.signal);
  });
  afterEach(() => void vi.useRealTimers());

  /** Begins to sleep. Says how that ended, once it has. */
  function sleep(ms: number): () => boolean | undefined {
    let ended: boolean | undefined;
    void sleeper.sleep(ms).then((isWoken) => (ended = isWoken));
    return () => ended;
  }

  it('sleeps its time when nobody wakes it', async () => {
    const ended = sleep(1_000);
    await vi.advanceTimersByTimeAsync(999);
    expect(ended()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended()).toBe(false);
  });

  it('is woken, and sleeps again after that', async () => {
    const first = sleep(1_000);
    sleeper.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(first()).toBe(true);
    const second = sleep(1_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(second()).toBeUndefined();
  });

  it('does not sleep through what woke it before it slept, unless a round has begun since', async () => {
    sleeper.wake();
    const first = sleep(1_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(first()).toBe(true);
    sleeper.wake();
    sleeper.beginRound();
    const second = sleep(1_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(second()).toBeUndefined();
  });

  it('ends with its signal, and leaves no timer and no listener', async () => {
    const ended = sleep(1_000);
    aborter.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(ended()).toBe(false);
    const later = sleep(1_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(later()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(0);
  });

  it('leaves no listener behind however often it slept', async () => {
    for (let i = 0; i < 20; i += 1) {
      void sleep(10);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(0);
  });
});
