import type { NodeInfo } from '../naming/node-info.js';
import type { Peer, PeerEvent } from '../membership/events.js';
import type { AttemptResult, Explanation } from '../membership/explanation.js';

/** How one found name fared. `pending`: still being tried when the wait ended. `waiting`: in backoff. */
export type FoundResult = { readonly name: string } & (
  AttemptResult | { readonly result: 'pending' | 'waiting' | 'disconnected' }
);

/** Where found names come from. */
export interface FoundSource {
  readonly provider: string;
  /**
   * `answer`: a whole poll answer; it replaces what this provider said before. `hint`: heard just now
   * (`serve`); it expires when it is not heard again.
   */
  readonly as: 'answer' | 'hint';
}

/**
 * The connections of this node, behind everything above them. Nothing above knows about sockets, so another
 * engine (a broker, for clusters that outgrow a full mesh) can take this place.
 */
export interface Mesh {
  readonly self: NodeInfo;
  /** Sorted by name, without self. */
  readonly peers: readonly Peer[];
  /**
   * Opens the listener. After it, `self` has its final name and port.
   *
   * @throws PeerageError `PORT_IN_USE`, `CANNOT_LISTEN`
   */
  start(): Promise<void>;
  /** Says goodbye to every peer and closes everything. May be called at any time, and more than once. */
  stop(): Promise<void>;
  /** Takes valid, canonical names to dial. Resolves when every attempt that this started has ended. */
  found(names: readonly string[], source: FoundSource): Promise<FoundResult[]>;
  /** Dials a name now, whatever its backoff. Rejects with the PeerageError of the attempt. */
  connect(name: string): Promise<Peer>;
  /** Ends the connection and dials no more until `connect`, or until a new boot id answers there. */
  disconnect(name: string): Promise<void>;
  setMeta(meta: Readonly<Record<string, unknown>>): void;
  explain(name?: string): Explanation;
  /**
   * Queues one message frame (kinds from `FrameKind.event` on) for a peer. `full`: its queue has no room.
   * `waiting`: its connection is being dialled again at this moment. `gone`: it is no peer.
   *
   * @throws PeerageError `INVALID_MESSAGE` when the body cannot be encoded.
   */
  post(bootId: string, kind: number, body: unknown): 'queued' | 'full' | 'waiting' | 'gone';
  /** Hands every message frame of every peer to `taker`. There is one. */
  receive(taker: (from: string, kind: number, body: unknown) => void): void;
  /** The events of the membership core, in order, synchronously. Returns the function that ends it. */
  subscribe(listener: (event: PeerEvent) => void): () => void;
}
