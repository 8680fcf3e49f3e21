import { duration } from '../time/seconds.js';

/** Ends of one name within this belong together: a process that crashes soon after each start, a network that flaps. */
const TOGETHER_MS = 10 * 60_000;

/** From the third on it is worth a word. */
const MANY = 3;
const MAX_NAMES = 500;

/** Counts how often the processes of one name ended lately. */
export class RepeatedEnds {
  private readonly ends = new Map<string, number[]>();

  /** Counts one, and says how many that makes, when they are many. */
  count(name: string, nowMs: number): string {
    const lately = [...(this.ends.get(name) ?? []), nowMs].filter((atMs) => nowMs - atMs < TOGETHER_MS);
    this.ends.delete(name);
    this.ends.set(name, lately);
    const [oldest] = this.ends.keys();
    if (this.ends.size > MAX_NAMES) this.ends.delete(oldest!);
    if (lately.length < MANY) return '';
    return `; that makes ${lately.length} ends of this name in ${duration(nowMs - lately[0]!)}`;
  }
}
