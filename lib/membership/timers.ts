/**
 * Deadlines by key, soonest first: a binary heap with lazy deletion, so that setting, moving and removing a
 * deadline costs O(log n) at most.
 */
export class Timers {
  private readonly deadlines = new Map<string, number>();
  private readonly heap: { key: string; atMs: number }[] = [];

  /** Sets or moves the deadline of `key`. */
  set(key: string, atMs: number): void {
    if (this.deadlines.get(key) === atMs) return;
    this.deadlines.set(key, atMs);
    this.push({ key, atMs });
  }

  has(key: string): boolean {
    return this.deadlines.has(key);
  }

  delete(key: string): void {
    this.deadlines.delete(key);
  }

  /** The soonest deadline. */
  nextAtMs(): number | undefined {
    this.dropStale();
    return this.heap[0]?.atMs;
  }

  /** Takes the key of one deadline that has come. */
  takeDue(nowMs: number): string | undefined {
    this.dropStale();
    const first = this.heap[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    this.pop();
    this.deadlines.delete(first.key);
    return first.key;
  }

  private dropStale(): void {
    for (let first = this.heap[0]; first !== undefined; first = this.heap[0]) {
      if (this.deadlines.get(first.key) === first.atMs) return;
      this.pop();
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
