import type { Peer } from '../membership/events.js';

/**
 * What a handler is told besides the data.
 *
 * @publicApi
 */
export interface MessageContext {
  /** Who sent it, as of its last event. */
  readonly peer: Peer;
  /** What it was sent with. */
  readonly topic: string;
}

/**
 * Takes the messages of a topic. What it returns, or its promise resolves to, answers a request.
 *
 * @publicApi
 */
export type MessageHandler<T = unknown> = (data: T, context: MessageContext) => unknown;

/**
 * How a request is made.
 *
 * @publicApi
 */
export interface RequestOptions {
  /** After so many milliseconds it rejects with `REQUEST_TIMEOUT`. @default 5000 */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting with `ABORTED`. A handler that has begun over there runs on. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What became of a broadcast here. Nobody says whether it arrived.
 *
 * @publicApi
 */
export interface BroadcastResult {
  /** Peers to whose queue it was handed. */
  readonly handed: number;
  /**
   * Peers that get nothing. `OVERLOADED`: they don't keep up, and their queue is full. `INVALID_MESSAGE`: it is
   * longer than their `limits.messageBytes` allow.
   */
  readonly refused: readonly { readonly peer: Peer; readonly code: 'OVERLOADED' | 'INVALID_MESSAGE' }[];
}

/** Who the message is for: a peer, or its name or boot id. */
export type Recipient = Pick<Peer, 'bootId' | 'name'> | string;
