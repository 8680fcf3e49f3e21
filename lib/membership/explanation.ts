import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { NodeInfo } from '../naming/node-info.js';
import type { DownEvidence, DownReason, Peer } from './events.js';

/**
 * How one try to reach a name ended.
 *
 * @publicApi
 */
export type AttemptResult =
  | { readonly result: 'connected'; readonly bootId: string }
  | { readonly result: 'self' }
  | { readonly result: 'failed'; readonly code: PeerageErrorCode; readonly message: string };

/**
 * Why a peer's life is in doubt, and what keeps it: it is down when the silence that counts reaches the deadline.
 * All times in milliseconds.
 *
 * @publicApi
 */
export interface SuspicionExplanation extends Pick<
  DownEvidence,
  'countedMs' | 'deadlineMs' | 'multiplier' | 'because' | 'probes' | 'asked'
> {
  /**
   * `silent`: nothing was heard of it. `told`: another node does not hear it. `unheard`: it says that it does not
   * hear us. `lost`: its connection broke.
   */
  readonly why: 'silent' | 'told' | 'unheard' | 'lost';
  /** Since it is in doubt. */
  readonly forMs: number;
  /** Until it is down, if nothing is heard of it: by the deadline, or by `heartbeat.capMs`. */
  readonly leftMs: number;
}

/**
 * What we know of a peer's life.
 *
 * @publicApi
 */
export interface LivenessExplanation {
  /** Whether it is one of the ten that we watch; others watch the rest for us. */
  readonly monitored: boolean;
  /** Milliseconds since its connection last brought anything. */
  readonly silentMs: number;
  /** Whether UDP probes get through to it. */
  readonly probes: 'untried' | 'answered' | 'unanswered';
  /** Whether a UDP probe of its own has arrived here. A node whose probes are answered sends no more. */
  readonly probedBy: boolean;
  /** Why the last probe to it could not be sent from here: the code of this host's error. */
  readonly unsent?: string;
  /** Left out while it is heard. */
  readonly suspicion?: SuspicionExplanation;
  /** How often this very process was declared down and came back. */
  readonly falseAlarms: number;
}

/**
 * Why one name is, or is not, a peer.
 *
 * @publicApi
 */
export interface NameExplanation {
  /** `app@host:port`, as it was found. */
  readonly name: string;
  /**
   * `dialling`: a connection is being made. `waiting`: for its next attempt. `disconnected`: by the app, until it calls
   * `connect()`. `unknown`: nobody told of it.
   */
  readonly state: 'peer' | 'self' | 'dialling' | 'waiting' | 'disconnected' | 'unknown';
  /** One sentence for people: what is the matter, and what to do. */
  readonly summary: string;
  /** Providers that listed the name, and `peers` when other nodes told of it. */
  readonly foundBy: readonly string[];
  /** When it is one. */
  readonly peer?: Peer;
  /** What its being a peer rests on. */
  readonly liveness?: LivenessExplanation;
  /** How the last peer at this address ended, and how long ago, in milliseconds. */
  readonly lastDown?: {
    readonly reason: DownReason;
    readonly evidence: DownEvidence;
    readonly bootId: string;
    readonly agoMs: number;
  };
  /** The last finished attempt and how long ago it ended, in milliseconds. */
  readonly lastAttempt?: AttemptResult & { readonly agoMs: number };
  /** Failed attempts in a row. */
  readonly failures: number;
  /** Milliseconds to the next attempt, when one is planned. */
  readonly nextAttemptInMs?: number;
}

/** What the connections of this node can say of it. */
export interface MeshExplanation {
  /** This node, as its peers know it. */
  readonly self: NodeInfo;
  /** The label that others must have too. */
  readonly cluster: string;
  /** Where we listen, and how connections are protected. */
  readonly listening?: { readonly host: string; readonly port: number };
  /** What others need to get in. `none`: nothing, and nothing is encrypted. */
  readonly security: 'secret' | 'tls' | 'none';
  /** Every name that was found, asked for or connected, sorted; the one that was asked for alone. */
  readonly names: readonly NameExplanation[];
  /** Strangers lately that this node refused, newest first, at most 20. */
  readonly refused: readonly {
    readonly address: string;
    readonly name?: string;
    readonly code: PeerageErrorCode;
    readonly message: string;
    readonly agoMs: number;
  }[];
  /** What does not work here, and what that means: one sentence each. */
  readonly notes: readonly string[];
}
