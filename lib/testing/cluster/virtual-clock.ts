// Not the global one: test runners replace that when they fake time.
import { setImmediate } from 'node:timers';
import type { Clock } from '../../time/clock.js';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock that moves only when it is told to. Timers due at the same instant fire in the order they were set.
 */
export class VirtualClock implements Clock {
  private readonly timers = new Set<Timer>();
  private timeMs: number;
  private order = 0;

  constructor(startMs = 0) {
    this.timeMs = startMs;
  }

  /** Timers that still wait. */
  get pending(): number {
    return this.timers.size;
  }

  now(): number {
    return this.timeMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { atMs: this.timeMs + Math.max(0, ms), order: this.order++, callback };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Moves time on by `ms` and fires what falls due on the way, timers set by fired timers included. */
  advance(ms: number): void {
    const endMs = this.timeMs + ms;
    while (this.fireNext(endMs));
    this.timeMs = endMs;
  }

  /** As `advance`, but lets promises settle before every timer and after the last one. */
  async advanceAsync(ms: number): Promise<void> {
    const endMs = this.timeMs + ms;
    await turn();
    while (this.fireNext(endMs)) await turn();
    this.timeMs = endMs;
  }

  /** Fires the next timer up to `endMs`, when there is one. */
  protected fireNext(endMs: number): boolean {
    const timer = this.next(endMs);
    if (!timer) return false;
    this.timers.delete(timer);
    this.timeMs = Math.max(this.timeMs, timer.atMs);
    timer.callback();
    return true;
  }

  private next(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.atMs > endMs) continue;
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }
}

/** One turn of the event loop: microtasks run before the next immediate. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
