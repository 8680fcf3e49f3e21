import type { Observable } from 'rxjs';
import { Subject } from 'rxjs';
import type { NodeInfo } from '../naming/node-info.js';
import { compareNames } from '../naming/node-name.js';
import type { PresenceChange, PresenceEntry, TrackedEntry } from './presence.types.js';

/** Tracks an entry in a space. */
type Track = (space: string, key: string, meta: unknown) => TrackedEntry<unknown>;

/**
 * The entries of one name, of all nodes.
 *
 * @publicApi
 */
export class PresenceSpace<T = unknown> {
  private readonly byKey = new Map<string, Map<string, PresenceEntry<T>>>();
  private readonly changes = new Subject<PresenceChange<T>>();
  /** What joins, leaves and changes from now on, those of this node included. Completes on shutdown. */
  readonly changes$: Observable<PresenceChange<T>> = this.changes.asObservable();

  /** @internal */
  constructor(
    /** What `presence()` was asked for. */
    readonly name: string,
    private readonly trackEntry: Track,
    /** A node as it is now: it may tell other things of itself. */
    private readonly nodeNow: (node: NodeInfo) => NodeInfo,
  ) {}

  /**
   * Tells all nodes of something that this node has: a user in a room, a job, a file that is open. It stays until it is
   * untracked or this node is gone. May be called at any time; two entries may have the same key.
   *
   * @param key 1 to 255 characters
   * @param meta plain data (what JSON can say) of at most 4 KiB, copied. @default {}
   * @throws PeerageError `INVALID_MESSAGE` for another key or meta; `OVERLOADED` when this node has
   * `limits.presenceEntries` or `limits.presenceBytes` already
   */
  track(key: string, meta: T = {} as T): TrackedEntry<T> {
    return this.trackEntry(this.name, key, meta);
  }

  /** The entries that this node knows now, with this key or all; of one node in the order in which they joined. */
  list(key?: string): readonly PresenceEntry<T>[] {
    const known =
      key === undefined ? [...this.byKey.values()] : [this.byKey.get(key) ?? new Map<string, never>()];
    return known.flatMap((entries) => [...entries.values()].map((entry) => this.now(entry)));
  }

  /** The nodes that have an entry with this key, each once, sorted by name. */
  nodes(key: string): readonly NodeInfo[] {
    const nodes = new Map(this.list(key).map(({ node }) => [node.bootId, node]));
    return [...nodes.values()].sort((a, b) => compareNames(a.name, b.name));
  }

  /** @internal */
  apply({ joined, left, updated }: PresenceChange<T>): void {
    for (const { key, id } of left) {
      const entries = this.byKey.get(key);
      if (entries?.delete(id) && entries.size === 0) this.byKey.delete(key);
    }
    for (const entry of [...joined, ...updated]) {
      let entries = this.byKey.get(entry.key);
      if (!entries) this.byKey.set(entry.key, (entries = new Map()));
      entries.set(entry.id, entry);
    }
  }

  /** @internal */
  get isEmpty(): boolean {
    return this.byKey.size === 0;
  }

  /** @internal */
  tell(change: PresenceChange<T>): void {
    this.changes.next(change);
  }

  /** @internal */
  complete(): void {
    this.changes.complete();
  }

  private now(entry: PresenceEntry<T>): PresenceEntry<T> {
    const node = this.nodeNow(entry.node);
    return node === entry.node ? entry : { ...entry, node };
  }
}
