import type {
  Entry,
  NumberedEntry,
  PresenceDirective,
  PresenceLimits,
  Update,
} from './presence-core.types.js';
import { BLANK } from './own-entries.js';

/** What we know of the entries of one peer. */
interface Copy {
  readonly entries: Map<number, NumberedEntry>;
  bytes: number;
  /** We are up to this change of it. */
  have: number;
  /** It has told everything once. */
  isWhole: boolean;
  /** It tells everything anew: what it has not mentioned by the end is no more. */
  unmentioned: Set<number> | undefined;
  isOverfull: boolean;
}

interface Changes {
  readonly joined: Entry[];
  readonly left: Entry[];
  readonly updated: Entry[];
}

/** The entries of all peers, each as its owner tells it. */
export class Copies {
  private readonly copies = new Map<string, Copy>();

  constructor(private readonly limits: PresenceLimits) {}

  /** `isBlank`: it has no entries yet, as it said. */
  open(peer: string, isBlank: boolean): void {
    this.copies.set(peer, {
      entries: new Map(),
      bytes: 0,
      have: isBlank ? BLANK : 0,
      isWhole: isBlank,
      unmentioned: undefined,
      isOverfull: false,
    });
  }

  close(peer: string): PresenceDirective[] {
    const copy = this.copies.get(peer);
    this.copies.delete(peer);
    return copy ? told(peer, { joined: [], left: [...copy.entries.values()], updated: [] }) : [];
  }

  /** Up to which change we know this peer's entries. */
  have(peer: string): number {
    return this.copies.get(peer)?.have ?? 0;
  }

  isWhole(peer: string): boolean {
    return this.copies.get(peer)?.isWhole === true;
  }

  /** The answer says up to which change we are: the peer goes on from there. */
  take(peer: string, update: Update): PresenceDirective[] {
    const copy = this.copies.get(peer);
    if (!copy) return [];
    if (update.base > copy.have || (update.base > 0 && update.upTo < copy.have))
      return [{ type: 'answer', have: copy.have }];
    if (update.base === 0) copy.unmentioned = new Set(copy.entries.keys());
    const changes: Changes = { joined: [], left: [], updated: [] };
    const out: PresenceDirective[] = [];
    for (const id of update.gone) this.remove(copy, id, changes);
    for (const { id } of update.put) copy.unmentioned?.delete(id);
    for (const entry of update.put)
      if (!this.put(copy, entry, changes) && !copy.isOverfull) {
        copy.isOverfull = true;
        out.push({ type: 'overfull', peer });
      }
    copy.have = update.upTo;
    if (!update.more) this.finish(copy, changes);
    out.push(...told(peer, changes));
    out.push({ type: 'answer', have: copy.have });
    return out;
  }

  private finish(copy: Copy, changes: Changes): void {
    for (const id of copy.unmentioned ?? []) this.remove(copy, id, changes);
    copy.unmentioned = undefined;
    copy.isWhole = true;
  }

  /** Returns whether there was room for it: what the owner has not mentioned makes way, as it is hardly there any more. */
  private put(copy: Copy, entry: NumberedEntry, changes: Changes): boolean {
    const before = copy.entries.get(entry.id);
    if (before && before.sequence >= entry.sequence) return true;
    while (!this.hasRoom(copy, entry, before)) {
      const [unmentioned] = copy.unmentioned ?? [];
      if (unmentioned === undefined) return false;
      copy.unmentioned?.delete(unmentioned);
      this.remove(copy, unmentioned, changes);
    }
    copy.entries.set(entry.id, entry);
    copy.bytes += entry.bytes - (before?.bytes ?? 0);
    (before ? changes.updated : changes.joined).push(entry);
    return true;
  }

  private hasRoom(
    { entries, bytes }: Copy,
    entry: NumberedEntry,
    before: NumberedEntry | undefined,
  ): boolean {
    const count = entries.size + (before ? 0 : 1);
    const total = bytes - (before?.bytes ?? 0) + entry.bytes;
    return count <= this.limits.presenceEntries && total <= this.limits.presenceBytes;
  }

  private remove(copy: Copy, id: number, { left }: Changes): void {
    const entry = copy.entries.get(id);
    if (!entry) return;
    copy.entries.delete(id);
    copy.bytes -= entry.bytes;
    left.push(entry);
  }
}

function told(peer: string, changes: Changes): PresenceDirective[] {
  const { joined, left, updated } = changes;
  return joined.length + left.length + updated.length === 0 ? [] : [{ type: 'changed', peer, ...changes }];
}
