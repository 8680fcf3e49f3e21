import type { NodeInfo } from '../naming/node-info.js';

/**
 * Something that a node has tracked, as all nodes know it.
 *
 * @publicApi
 */
export interface PresenceEntry<T> {
  /** Of this entry alone, on every node: two may have the same key, also of one node. */
  readonly id: string;
  /** What it was tracked under: a user, a room. */
  readonly key: string;
  /** What its node says about it. */
  readonly meta: T;
  /** Whose entry it is. It goes with this node. */
  readonly node: NodeInfo;
}

/**
 * What has changed in a space at once.
 *
 * @publicApi
 */
export interface PresenceChange<T> {
  /** Entries that are new. */
  readonly joined: readonly PresenceEntry<T>[];
  /** As they were last. */
  readonly left: readonly PresenceEntry<T>[];
  /** As they are now. */
  readonly updated: readonly PresenceEntry<T>[];
}

/**
 * An entry in the hands of the node that tracked it.
 *
 * @publicApi
 */
export interface TrackedEntry<T> {
  /** What it was tracked under. */
  readonly key: string;
  /**
   * Replaces the meta, for all. Nothing happens when it was untracked.
   *
   * @throws PeerageError `INVALID_MESSAGE`, `OVERLOADED`, as `track()`
   */
  update(meta: T): void;
  /** Ends the entry, for all. */
  untrack(): void;
}
