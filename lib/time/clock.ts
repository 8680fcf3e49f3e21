import { inRootContext } from './root-context.js';

/** Time as the mesh sees it: monotonic, and replaceable by a virtual one in tests. */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. */
  now(): number;
  /**
   * Calls back once after `ms`. Returns the function that prevents it.
   *
   * @param unref it alone does not keep the process alive
   */
  after(ms: number, callback: () => void, unref?: boolean): () => void;
  /** The date, in milliseconds. @default the system's */
  date?(): number;
}

/** Calls back every `ms`, and does not keep the process alive. Returns the function that ends it. */
export function every(clock: Clock, ms: number, callback: () => void): () => void {
  let cancel: () => void;
  const set = (): void => {
    cancel = clock.after(ms, fire, true);
  };
  const fire = (): void => {
    set();
    callback();
  };
  set();
  return () => cancel();
}

/** A timer that fires so late shows that our own loop was busy. */
const LATE_MS = 50;

/**
 * Calls back when the other side had `ms`. A loop that comes late to this reads what has arrived before it judges:
 * once, the deadline is put off by as long as the loop was late. Returns the function that prevents it.
 */
export function deadline(clock: Clock, ms: number, callback: () => void): () => void {
  const dueMs = clock.now() + ms;
  let cancel = clock.after(ms, () => {
    const lateMs = clock.now() - dueMs;
    if (lateMs < LATE_MS) callback();
    else cancel = clock.after(Math.min(ms, lateMs), callback);
  });
  return () => cancel();
}

/** The date by a clock, in milliseconds. */
export function dateMs(clock: Clock): number {
  return clock.date?.() ?? Date.now();
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback, unref = false) => {
    const timer = inRootContext(() => setTimeout(callback, ms));
    if (unref) timer.unref();
    return () => clearTimeout(timer);
  },
};
