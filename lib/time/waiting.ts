import { onAbort } from './abortable.js';
import type { Clock } from './clock.js';
import { systemClock } from './clock.js';

/** Waits, at most until the signal aborts. Never rejects. */
export function sleep(ms: number, signal?: AbortSignal, clock: Clock = systemClock): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      endWaiting?.();
      resolve();
    };
    const cancel = clock.after(ms, end);
    const endWaiting = signal && onAbort(signal, end);
  });
}

/** The outcome of `work`, or `undefined` when the time is over or the signal aborts before. */
export async function within<T>(
  ms: number,
  work: Promise<T>,
  signal?: AbortSignal,
  clock: Clock = systemClock,
): Promise<T | undefined> {
  const finished = new AbortController();
  const finish = () => finished.abort();
  const endWaiting = signal && onAbort(signal, finish);
  if (signal?.aborted) finish();
  try {
    return await Promise.race([work, sleep(ms, finished.signal, clock).then(() => undefined)]);
  } finally {
    endWaiting?.();
    finish();
  }
}

/** What a timer can wait: a number of milliseconds, and no text of one. */
export function isTimerMs(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 2 ** 31;
}

/** `ms`, a fifth more or less. `random` is uniform in [0, 1). */
export function jittered(ms: number, random: () => number): number {
  return Math.round(ms * (0.8 + 0.4 * random()));
}

/** Whether a value is there later only: a promise, or something like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
