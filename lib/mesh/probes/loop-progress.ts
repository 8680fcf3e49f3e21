/** How often the main loop notes that it runs. */
const TICK_MS = 200;

/** The progress of the main thread's event loop, in memory that it shares with another thread. */
export class LoopProgress {
  private readonly lastTick: BigInt64Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.lastTick = new BigInt64Array(memory);
  }

  /** Called on the main thread: keeps noting that it runs. Returns the function that ends it. */
  start(): () => void {
    const tick = (): void => void Atomics.store(this.lastTick, 0, BigInt(monotonicMs()));
    tick();
    const timer = setInterval(tick, TICK_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** How far the main thread is behind, in milliseconds; 0 when it runs as it should. Any thread may ask. */
  lagMs(): number {
    return Math.max(0, monotonicMs() - Number(Atomics.load(this.lastTick, 0)) - TICK_MS);
  }
}

/** Whole milliseconds of one clock for every thread of a process; `performance.now()` starts anew in each. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
