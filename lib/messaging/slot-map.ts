/** More than any node has open at a time. */
const SLOTS = 2 ** 24;

/**
 * Values under numbers that are given once each (in half a billion), for what comes and goes by the thousand.
 * A `Map` under such a load leaves a chain of old tables, each of which keeps the next one and all that was in
 * it from the garbage collector's quick rounds: that cost up to a third of all time.
 */
export class SlotMap<T extends object> {
  private readonly numbers: number[] = [];
  private readonly values: (T | undefined)[] = [];
  private readonly free: number[] = [];

  get size(): number {
    return this.values.length - this.free.length;
  }

  /** Returns its number: from 1 on, an integer. */
  add(value: T): number {
    const slot = this.free.pop() ?? this.values.length;
    const next = (this.numbers[slot] ?? slot + 1 - SLOTS) + SLOTS;
    const number = next <= Number.MAX_SAFE_INTEGER ? next : slot + 1;
    this.numbers[slot] = number;
    this.values[slot] = value;
    return number;
  }

  get(number: number): T | undefined {
    const slot = (number - 1) % SLOTS;
    return this.numbers[slot] === number ? this.values[slot] : undefined;
  }

  /** Returns what it was. */
  delete(number: number): T | undefined {
    const value = this.get(number);
    if (!value) return undefined;
    const slot = (number - 1) % SLOTS;
    this.values[slot] = undefined;
    this.free.push(slot);
    return value;
  }

  /** Those that are there now; they may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<[number, T]> {
    for (let slot = 0; slot < this.values.length; slot++) {
      const value = this.values[slot];
      if (value) yield [this.numbers[slot]!, value];
    }
  }
}
