/**
 * How often a value fell between which bounds. Counts only grow.
 *
 * @publicApi
 */
export interface HistogramCounts {
  /** Upper bounds of the buckets, rising; the last bucket has none. */
  readonly bounds: readonly number[];
  /** How many values were at most the bound of the same place, and more than the one before. One more than `bounds`. */
  readonly counts: readonly number[];
  /** How many values there were. */
  readonly count: number;
  /** All of them together. */
  readonly sum: number;
}

/** Counts values by buckets. */
export class Histogram {
  private readonly counts: number[];
  private count = 0;
  private sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  add(value: number): void {
    const bucket = this.bounds.findIndex((bound) => value <= bound);
    this.counts[bucket < 0 ? this.bounds.length : bucket]! += 1;
    this.count += 1;
    this.sum += value;
  }

  snapshot(): HistogramCounts {
    return { bounds: this.bounds, counts: [...this.counts], count: this.count, sum: this.sum };
  }
}
