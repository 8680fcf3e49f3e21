interface Timer {
  /** When it is due. */
  atMs: number;
  /** Where its entry in the heap stands: no later than it is due. */
  queuedMs: number;
}

/**
 * Deadlines by key, soonest first: a binary heap that is put in order lazily. To put a deadline off costs
 * nothing until its old one comes, and to set, advance or remove one O(log n) at most.
 */
export class Timers {
  private readonly timers = new Map<string, Timer>();
  private readonly heap: { key: string; atMs: number }[] = [];

  /** Sets or moves the deadline of `key`. */
  set(key: string, atMs: number): void {
    const timer = this.timers.get(key);
    if (timer && timer.queuedMs <= atMs) {
      timer.atMs = atMs;
      return;
    }
    this.timers.set(key, { atMs, queuedMs: atMs });
    this.push({ key, atMs });
  }

  has(key: string): boolean {
    return this.timers.has(key);
  }

  delete(key: string): void {
    this.timers.delete(key);
  }

  /** The soonest deadline. */
  nextAtMs(): number | undefined {
    this.tidy();
    return this.heap[0]?.atMs;
  }

  /** Takes the key of one deadline that has come. */
  takeDue(nowMs: number): string | undefined {
    this.tidy();
    const first = this.heap[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    this.pop();
    this.timers.delete(first.key);
    return first.key;
  }

  /** Until the first entry of the heap is a deadline: drops what was removed, and moves what was put off. */
  private tidy(): void {
    for (let first = this.heap[0]; first !== undefined; first = this.heap[0]) {
      const timer = this.timers.get(first.key);
      const isCurrent = timer?.queuedMs === first.atMs;
      if (isCurrent && timer.atMs === first.atMs) return;
      this.pop();
      if (!isCurrent) continue;
      timer.queuedMs = timer.atMs;
      this.push({ key: first.key, atMs: timer.atMs });
    }
  }

  private push(entry: { key: string; atMs: number }): void {
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.atMs <= entry.atMs) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++;
      if (heap[child]!.atMs >= last.atMs) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}
