import type { NodeInfo } from '../../naming/node-info.js';

/** Who listens at a point. */
export interface MeetingListener {
  readonly heard: (text: string) => void;
  readonly listening: () => void;
}

/** A store in which nodes leave their names for each other. Its promises end when the signal aborts. */
export interface MeetingPoint {
  /** Puts our entry there, or makes it last longer. When it was not there, who listens is told. */
  register(self: NodeInfo, signal: AbortSignal): Promise<void>;
  /** The names of the entries that have not expired. */
  names(self: NodeInfo, signal: AbortSignal): Promise<string[]>;
  /** Takes our entry away. */
  leave(self: NodeInfo, signal: AbortSignal): Promise<void>;
  /**
   * Hands over what is told to listeners, from the call of `listening` on, until the signal aborts. Rejects
   * when nothing is heard any more. `listening` is called again when something may have been missed.
   */
  listen(self: NodeInfo, signal: AbortSignal, on: MeetingListener): Promise<void>;
  /** Ends what was opened for it. */
  close(): Promise<void>;
}

/** How long an entry lasts that nobody refreshes. */
export const DEFAULT_TTL_MS = 30_000;
