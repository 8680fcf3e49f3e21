import type { PeerageError } from '../errors/peerage-error.js';
import type { MessageBody } from '../wire/message-frames.js';
import type { NodeInfo } from '../naming/node-info.js';
import type { Peer, PeerEvent } from '../membership/events.js';
import type { AttemptResult, MeshExplanation } from '../membership/explanation.js';
import type { MeshStats } from './mesh-stats.js';

export type { MeshStats } from './mesh-stats.js';

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

/** `full`: there is no room in the queue of the peer. `gone`: it is no peer. */
export type PostResult = 'queued' | 'full' | 'gone';

/** As `PostResult`; resolves when the operating system has taken the message. */
export type HandResult = Promise<void> | 'full' | 'gone';

export interface PostAllResult {
  readonly queued: number;
  /** Boot ids of those whose queue has no room. */
  readonly full: readonly string[];
  /** Boot ids of those that take no message of this length. */
  readonly tooLong: readonly string[];
}

/**
 * Told that a message to a peer will not arrive, since the connection broke when only a part of it was sent.
 *
 * @param id what stands first in the body: of a request, and of what answers one, its number
 */
export type MessageLoss = (to: string, kind: number, id: unknown, error: PeerageError) => void;

/** Told that what a peer has sent, and is not handled yet, counts no more: it is gone without a goodbye. */
export type MessagesDropped = (from: string) => void;

/**
 * Takes a message. A promise that it returns says until when the message is handled: so many of a peer are handled
 * at once as `limits.handlers` allows. What it throws closes the connection which brought such a message.
 *
 * @param left the sender, when it has said goodbye since the message came
 */
export type MessageTaker = (from: string, kind: number, body: MessageBody, left?: Peer) => unknown;

/**
 * The connections of this node, behind everything above them. Nothing above knows about sockets, so another
 * engine (a broker, for clusters that outgrow a full mesh) can take this place.
 */
export interface Mesh {
  readonly self: NodeInfo;
  /** Sorted by name, without self. */
  readonly peers: readonly Peer[];
  /** Bytes of messages that wait here for peers, or for one of them: for room there, or for the network. */
  waitingBytes(bootId?: string): number;
  /** Whether any node is being dialled, or a handshake is under way. */
  readonly isDialling: boolean;
  /** How many peers were heard of late: without those whose life is in doubt. */
  readonly heardPeers: number;
  /** Whether this peer is new, and both it and this node were blank at their handshake: see `Hello.blank`. */
  metBlank(bootId: string): boolean;
  /** Something of this node has to be told to newcomers from now on, or soon will. */
  notBlank(): void;
  /** Gets ready what takes time to start. Opens nothing; `start` does it when nobody did before. */
  prepare(): void;
  /**
   * Opens the listener. After it, `self` has its final name and port.
   *
   * @throws PeerageError `PORT_IN_USE`, `CANNOT_LISTEN`
   */
  start(): Promise<void>;
  /**
   * Tells every peer that this node shuts down; `stop` follows. Until then it goes on as ever. Resolves when all
   * that are connected have heard it.
   */
  drain(): Promise<void>;
  /** Says goodbye to every peer and closes everything; messages that wait are lost. May be called at any time, and more than once. */
  stop(): Promise<void>;
  /** Takes valid, canonical names to dial. Resolves when every attempt that this started has ended. */
  found(names: readonly string[], source: FoundSource): Promise<FoundResult[]>;
  /** Dials a name now, whatever its backoff. Rejects with the PeerageError of the attempt. */
  connect(name: string): Promise<Peer>;
  /** Ends the connection and dials no more until `connect`, or until a new boot id answers there. */
  disconnect(name: string): Promise<void>;
  /** Another live node has the address that this one tells; from `ours`, one of this machine, others are reached. */
  addressTaken(ours: string): void;
  setMeta(meta: Readonly<Record<string, unknown>>): void;
  explain(name?: string): MeshExplanation;
  /** What does not work between this node and its peers, one sentence each. */
  troubles(): readonly string[];
  /** What was counted since the start, and what waits now. */
  stats(): MeshStats;
  /**
   * Queues one message (see `isMessage`) for a peer, or for this node itself. It waits while the
   * connection of the peer is being dialled again. Messages of one lane arrive in order; a long one gives way
   * to those of other lanes.
   *
   * @throws PeerageError `INVALID_MESSAGE` when the body cannot be encoded, or is too long for the peer.
   */
  post(bootId: string, kind: number, body: readonly unknown[], lane?: string): PostResult;
  /**
   * As `post`, and tells when the operating system has taken the message. Rejects with PeerageError
   * `CONNECTION_LOST`, `PEER_GONE` or `NOT_RUNNING`.
   *
   * @throws PeerageError `INVALID_MESSAGE`
   */
  hand(bootId: string, kind: number, body: readonly unknown[], lane?: string): HandResult;
  /**
   * The numbers of the requests of a peer, or of this node itself, that wait for their turn here. Undefined while an older
   * connection of the peer is still read: it may bring more, and answers too.
   */
  waitingRequests(bootId: string): readonly number[] | undefined;
  /**
   * Queues one message for every peer; it is encoded once.
   *
   * @throws PeerageError `INVALID_MESSAGE`
   */
  postAll(kind: number, body: readonly unknown[], lane?: string): PostAllResult;
  /**
   * The body of a message as it arrives at others.
   *
   * @param maxBytes @default limits.messageBytes
   * @throws PeerageError `INVALID_MESSAGE`
   */
  copy(kind: number, body: unknown, maxBytes?: number): unknown;
  /** Hands every message of every peer to `taker`, and what was lost on its way to `lost`. There is one of each. */
  receive(taker: MessageTaker, lost?: MessageLoss, dropped?: MessagesDropped): void;
  /** The events of the membership core, in order, synchronously. Returns the function that ends it. */
  subscribe(listener: (event: PeerEvent) => void): () => void;
}
