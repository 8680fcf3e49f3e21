import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { NodeInfo } from '../naming/node-info.js';

/**
 * `up`: connected and heard. `degraded`: its process answers, its event loop is blocked. `leaving`: it shuts
 * down. It still answers what was sent to it, and goes when that is done: send new work to others.
 *
 * @publicApi
 */
export type PeerStatus = 'up' | 'degraded' | 'leaving';

/**
 * Another node that is connected and authenticated, as it was when it was asked for: a snapshot.
 *
 * @publicApi
 */
export interface Peer extends NodeInfo {
  /** Whether it is to be given work. */
  readonly status: PeerStatus;
  /** When it was last connected, by the wall clock of this node. */
  readonly connectedAt: Date;
  /** Round trip of the last answered beat, in milliseconds. */
  readonly rttMs?: number;
}

/**
 * Why a peer is down. `left`: it said goodbye. `closed`: its connection ended and nobody answers there any
 * more. `timeout`: it was silent too long. `replaced`: another process answers at its name. `disconnected`:
 * this app, or the app there, called `disconnect()`.
 *
 * @publicApi
 */
export type DownReason = 'left' | 'closed' | 'timeout' | 'replaced' | 'disconnected';

/**
 * What a `peer.down` rests on.
 *
 * @publicApi
 */
export interface DownEvidence {
  /** How the connection ended, when it did: the socket's error code, or `EOF`. */
  readonly closed?: string;
  /** What dialling it again gave. */
  readonly redial?: { readonly code: PeerageErrorCode; readonly message: string };
  /** Milliseconds since anything was heard of it. */
  readonly silentMs: number;
  /** The silence that counts: only while our own event loop ran, and since the last proof of its life. */
  readonly countedMs: number;
  /** The counted silence that ends a peer: `heartbeat.downMs`, times the multiplier. */
  readonly deadlineMs: number;
  /** 1, or 2 for the reason in `because`. */
  readonly multiplier: 1 | 2;
  /** Why the deadline is twice as long, in a sentence. */
  readonly because?: string;
  /** When it told us that it does not hear us: milliseconds since it last did. */
  readonly unheardMs?: number;
  /** UDP probes sent to it since it fell silent, and how many were answered. */
  readonly probes: { readonly sent: number; readonly answered: number };
  /** Other peers that were asked whether they hear it, and what they said. */
  readonly asked: readonly {
    readonly name: string;
    readonly answer: 'hears it' | 'does not hear it' | 'no answer';
  }[];
  /** How late our own event loop was found since anything was heard of it, in milliseconds. */
  readonly ownLagMs: number;
  /** It had said that it shuts down. */
  readonly wasLeaving?: true;
}

/** An event as the core says it; `ClusterService` adds `at`. */
export type PeerEvent =
  | {
      readonly type: 'peer.up';
      readonly peer: Peer;
      /** This very process was a peer before, until so many milliseconds ago. Left out for a new process. */
      readonly returnedAfterMs?: number;
    }
  | {
      readonly type: 'peer.down';
      readonly peer: Peer;
      readonly reason: DownReason;
      readonly evidence: DownEvidence;
    }
  | { readonly type: 'peer.degraded'; readonly peer: Peer; readonly lagMs: number }
  | { readonly type: 'peer.recovered'; readonly peer: Peer; readonly lagMs: number }
  | { readonly type: 'peer.leaving'; readonly peer: Peer }
  | { readonly type: 'peer.updated'; readonly peer: Peer; readonly previous: Peer }
  | RefusedEvent;

/** A connection that was refused: by us, or to us. */
export interface RefusedEvent {
  /** Tells this event from others. */
  readonly type: 'peer.refused';
  /** The node name, when it came so far as to be told. */
  readonly name?: string;
  /** `host:port` of the other side. */
  readonly address: string;
  /** Why: `WRONG_SECRET`, `WRONG_CLUSTER` and so on. */
  readonly code: PeerageErrorCode;
  /** The same for people, with what to do. */
  readonly message: string;
  /** `inbound`: it dialled us. `outbound`: we dialled it. */
  readonly direction: 'inbound' | 'outbound';
}
