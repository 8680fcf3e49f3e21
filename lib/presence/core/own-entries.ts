import type {
  Entry,
  NumberedEntry,
  PresenceDirective,
  PresenceLimits,
  Update,
} from './presence-core.types.js';

/** Of an entry in an update, besides its meta, key and space. */
const ENTRY_BYTES = 32;

const NONE: ReadonlySet<number> = new Set();

/** The number before the first change: who has confirmed it knows that there was no entry before. */
export const BLANK = 1;

/** What an update tells of us. */
type Changes = Omit<Update, 'have'>;

interface LogItem {
  readonly sequence: number;
  readonly id: number;
}

/** The entries of this node, and the order of their changes. */
export class OwnEntries {
  private readonly entries = new Map<number, NumberedEntry>();
  /** Entries that are no more, by the number of that change. Peers may still have to be told. */
  private readonly gone = new Map<number, number>();
  /** Every change that may still have to be told, the oldest first. Items that a later one replaces are passed over. */
  private log: LogItem[] = [];
  private bytes = 0;
  /** The number of the last change. */
  sequence = BLANK;
  /** Who has confirmed less has missed ends that are forgotten. */
  floor = 0;

  constructor(private readonly limits: PresenceLimits) {}

  hasRoom(bytes: number, insteadOf?: number): boolean {
    const before = insteadOf === undefined ? undefined : this.entries.get(insteadOf);
    const count = this.entries.size + (before ? 0 : 1);
    const total = this.bytes - (before?.bytes ?? 0) + bytes;
    return count <= this.limits.presenceEntries && total <= this.limits.presenceBytes;
  }

  put(entry: Entry): PresenceDirective {
    const before = this.entries.get(entry.id);
    this.entries.set(entry.id, { ...entry, sequence: this.next(entry.id) });
    this.bytes += entry.bytes - (before?.bytes ?? 0);
    return { type: 'changed', joined: before ? [] : [entry], left: [], updated: before ? [entry] : [] };
  }

  drop(id: number): PresenceDirective[] {
    const entry = this.entries.get(id);
    if (!entry) return [];
    this.entries.delete(id);
    this.bytes -= entry.bytes;
    this.gone.set(id, this.next(id));
    return [{ type: 'changed', joined: [], left: [entry], updated: [] }];
  }

  /** What changed after `base`, as much as fits; 0: everything. Without the `unsendable`, by their numbers. */
  since(base: number, maxBytes: number, unsendable: ReadonlySet<number> = NONE): Changes {
    const put: NumberedEntry[] = [];
    const gone: number[] = [];
    let upTo = base;
    let bytes = 0;
    for (let at = this.indexAfter(base); at < this.log.length; at++) {
      const { id, sequence } = this.log[at]!;
      const entry = this.entries.get(id);
      if (entry?.sequence === sequence) {
        if (unsendable.has(sequence)) continue;
        const more = ENTRY_BYTES + entry.bytes;
        if (bytes > 0 && bytes + more > maxBytes) return { base, upTo, more: true, put, gone };
        put.push(entry);
        bytes += more;
      } else if (this.gone.get(id) === sequence) {
        if (bytes > 0 && bytes + ENTRY_BYTES > maxBytes) return { base, upTo, more: true, put, gone };
        gone.push(id);
        bytes += ENTRY_BYTES;
      }
      upTo = sequence;
    }
    return { base, upTo: this.sequence, more: false, put, gone };
  }

  /** Forgets what everybody has confirmed, now and then. `confirmed`: by all peers. */
  tidy(confirmed: number): void {
    // There may be as many ends that somebody has not confirmed as there may be entries.
    if (this.log.length <= 2 * this.entries.size + this.limits.presenceEntries) return;
    const ends = [...this.gone].filter(([, sequence]) => sequence > confirmed);
    // Peers that don't keep up get everything anew. Half are forgotten at once: one at a time would be a copy of all each time.
    const tooMany = Math.max(0, ends.length - Math.floor(this.limits.presenceEntries / 2));
    const kept = new Map(ends.slice(tooMany));
    for (const [id, sequence] of this.gone) {
      if (kept.has(id)) continue;
      this.gone.delete(id);
      this.floor = Math.max(this.floor, sequence);
    }
    this.log = this.log.filter(
      ({ id, sequence }) => this.entries.get(id)?.sequence === sequence || this.gone.get(id) === sequence,
    );
  }

  private next(id: number): number {
    this.sequence += 1;
    this.log.push({ sequence: this.sequence, id });
    return this.sequence;
  }

  /** The first item that is newer. */
  private indexAfter(base: number): number {
    let low = 0;
    let high = this.log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.log[middle]!.sequence > base) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
