import type { LinkId } from './membership.types.js';

type BootId = string;
type Address = string;
/** There is only one of its kind. */
type Only = '';

/** What timers are for, and whom or what each is about. */
interface TimerIds {
  beat: BootId;
  compare: BootId;
  conflict: LinkId;
  dial: Address;
  digest: Only;
  handshake: LinkId;
  hint: Address;
  judge: BootId;
  probe: BootId;
  pump: Only;
  reach: BootId;
  ring: Only;
}

type TimerKind = keyof TimerIds;

/** A deadline that has come. */
export type Timer = {
  [Kind in TimerKind]: { readonly kind: Kind; readonly id: TimerIds[Kind] };
}[TimerKind];

/** Removed entries stay in the heap until they come up, or until there are so many, and more than the rest. */
const MANY_REMOVED = 256;

interface Entry {
  readonly kind: TimerKind;
  readonly id: string | number;
  /** When it is due. */
  atMs: number;
  /** Where it stands in the heap: no later than it is due. */
  queuedMs: number;
  /** Neither taken, nor removed, nor replaced by a sooner one. */
  isSet: boolean;
}

/**
 * Deadlines by kind and id, soonest first: a binary heap that is put in order lazily. To put a deadline off costs
 * nothing until its old one comes, and to set, advance or remove one O(log n) at most. Kinds have maps of their
 * own, since joining and hashing a key each time is most of the cost.
 */
export class Timers {
  private readonly kinds = new Map<TimerKind, Map<string | number, Entry>>();
  private heap: Entry[] = [];
  /** How many entries of the heap count no more. */
  private removed = 0;

  /** Sets or moves a deadline. */
  set<Kind extends TimerKind>(kind: Kind, id: TimerIds[Kind], atMs: number): void {
    const entries = this.ofKind(kind);
    const entry = entries.get(id);
    if (entry && entry.queuedMs <= atMs) {
      entry.atMs = atMs;
      return;
    }
    if (entry) this.remove(entry);
    const sooner: Entry = { kind, id, atMs, queuedMs: atMs, isSet: true };
    entries.set(id, sooner);
    this.push(sooner);
  }

  has<Kind extends TimerKind>(kind: Kind, id: TimerIds[Kind]): boolean {
    return this.ofKind(kind).has(id);
  }

  delete<Kind extends TimerKind>(kind: Kind, id: TimerIds[Kind]): void {
    const entry = this.ofKind(kind).get(id);
    if (!entry) return;
    this.ofKind(kind).delete(id);
    this.remove(entry);
  }

  /** Deadlines that are set. */
  get size(): number {
    return this.heap.length - this.removed;
  }

  /** What they take in memory: those that were removed, too. */
  get heldSize(): number {
    return this.heap.length;
  }

  /** The soonest deadline. */
  nextAtMs(): number | undefined {
    this.tidy();
    return this.heap[0]?.atMs;
  }

  /** Takes one deadline that has come. */
  takeDue(nowMs: number): Timer | undefined {
    this.tidy();
    const first = this.heap[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    this.pop();
    this.ofKind(first.kind).delete(first.id);
    return first as Timer;
  }

  private ofKind(kind: TimerKind): Map<string | number, Entry> {
    let entries = this.kinds.get(kind);
    if (!entries) this.kinds.set(kind, (entries = new Map()));
    return entries;
  }

  /** Until the first entry of the heap is a deadline: drops what was removed, and moves what was put off. */
  private tidy(): void {
    for (let first = this.heap[0]; first !== undefined; first = this.heap[0]) {
      if (first.isSet && first.atMs === first.queuedMs) return;
      this.pop();
      if (!first.isSet) {
        this.removed -= 1;
        continue;
      }
      first.queuedMs = first.atMs;
      this.push(first);
    }
  }

  private remove(entry: Entry): void {
    entry.isSet = false;
    this.removed += 1;
    if (this.removed < MANY_REMOVED || this.removed * 2 < this.heap.length) return;
    const left = this.heap.filter(({ isSet }) => isSet);
    this.heap = [];
    this.removed = 0;
    for (const each of left) this.push(each);
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.queuedMs <= entry.queuedMs) break;
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
      if (child + 1 < heap.length && heap[child + 1]!.queuedMs < heap[child]!.queuedMs) child++;
      if (heap[child]!.queuedMs >= last.queuedMs) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}
