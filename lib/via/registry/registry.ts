import type { NodeInfo } from '../../naming/node-info.js';

/** What is written of one node. */
export interface RegistryEntry {
  readonly name: string;
  /** Missing where somebody wrote a bare name there. */
  readonly bootId?: string | undefined;
}

/** Who is notified by a store. */
export interface RegistryListener {
  /** Somebody says that there is a new entry. That is a reason to read the store, and no more: names come from there. */
  readonly changed: () => void;
  /** Notifications come from now on; some may have been missed before. */
  readonly listening: () => void;
}

/** A store in which nodes leave their names for each other. Its promises end when the signal aborts. */
export interface Registry {
  /** Writes our entry, or makes it last longer. When it was not there, who listens is notified. */
  register(self: NodeInfo, signal: AbortSignal): Promise<void>;
  /** The entries that have not expired. */
  entries(self: NodeInfo, signal: AbortSignal): Promise<RegistryEntry[]>;
  /** The address of this machine from which the store is reached, where that can be told. */
  ownAddress?(signal: AbortSignal): Promise<string | undefined>;
  /** Removes our entry. */
  leave(self: NodeInfo, signal: AbortSignal): Promise<void>;
  /**
   * Passes on notifications, from the call of `listening` on, until the signal aborts. Rejects when none come
   * any more, also when the connection is dead without a word.
   */
  listen(self: NodeInfo, signal: AbortSignal, on: RegistryListener): Promise<void>;
  /** Ends what was opened for it. */
  close(): Promise<void>;
}

/** How long an entry lasts that nobody refreshes. */
export const DEFAULT_TTL_MS = 30_000;

/** Deadline of one question to a store. A connection that gives no answer in this time is taken for dead. */
export const ANSWER_MS = 2_000;

/** A connection that only listens is asked this often whether it is alive. */
export const KEEPALIVE_MS = 5_000;
