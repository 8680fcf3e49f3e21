import type { NameExplanation } from '../../membership/explanation.js';
import type { PeerStatus } from '../../membership/events.js';
import type { NodeInfo } from '../../naming/node-info.js';

/**
 * What a node tells other members of itself and of what it sees. Plain data, without secrets. Newer releases may
 * add to it, and take nothing away: nodes of several releases show each other.
 */
export interface NodeView {
  readonly self: NodeInfo;
  readonly cluster: string;
  readonly security: 'secret' | 'tls' | 'none';
  readonly listening?: { readonly host: string; readonly port: number };
  readonly isLeaving: boolean;
  readonly pid: number;
  readonly nodeVersion: string;
  readonly uptimeMs: number;
  /** Its event loop: how late it is, and the last time it did not run for a second or more. */
  readonly loop: {
    readonly lagMs: number;
    readonly last?: { readonly forMs: number; readonly agoMs: number };
  };
  /** Since when it has had no peer although it should have some, and why. */
  readonly alone?: { readonly forMs: number; readonly cause: string };
  readonly peers: readonly PeerView[];
  /** Names that it knows and has no connection to. */
  readonly missing: readonly MissingView[];
  readonly providers: readonly ProviderView[];
  /** Keys that it holds, in words. */
  readonly holds: readonly string[];
  /** Its jobs, and what became of their runs here. Older releases tell nothing of them. */
  readonly jobs?: readonly JobView[];
  /** What does not work here. */
  readonly notes: readonly string[];
  /** What happened since the event that was asked for, oldest first. */
  readonly events: readonly EventView[];
}

export interface PeerView {
  readonly bootId: string;
  readonly name: string;
  readonly status: PeerStatus;
  readonly rttMs?: number;
  /** How long it has been a peer. */
  readonly forMs: number;
  /** Why its life is in doubt. */
  readonly doubt?: string;
}

export interface MissingView {
  readonly name: string;
  readonly state: NameExplanation['state'];
  /** Dialled so often without success; older releases do not tell. */
  readonly failures?: number;
  /** Why, in a sentence. */
  readonly why: string;
}

/** What is known of one name. */
export type NameView = Pick<NameExplanation, 'state' | 'summary' | 'foundBy'>;

export interface ProviderView {
  readonly name: string;
  readonly state: 'asking' | 'working' | 'failing';
  /** So many names are in its last good answer. */
  readonly names: number;
  readonly lastAnswerAgoMs?: number;
  readonly failingForMs?: number;
  /** Why it fails. */
  readonly error?: string;
}

export interface JobView {
  readonly name: string;
  /** Runs at work here. */
  readonly running: number;
  /** Runs that began here since the start, and how many of them threw. */
  readonly runs: number;
  readonly failed: number;
  /** Due times that nobody ran, as far as this node knows. */
  readonly missed: number;
  /** Due times that two nodes ran. */
  readonly duplicates: number;
  /** The run that began or ended last here: when it began, how long it took if it has ended, and what it threw. */
  readonly last?: { readonly agoMs: number; readonly tookMs?: number; readonly error?: string };
}

export interface EventView {
  /** Counts up, for this node. */
  readonly number: number;
  readonly agoMs: number;
  readonly type: string;
  /** The node, address or provider that it is about. */
  readonly about: string;
  readonly bootId?: string;
  /** Of `peer.down`. */
  readonly reason?: string;
  /** What it rests on, in words. */
  readonly why?: string;
  /** It happened so often. @default 1 */
  readonly times?: number;
}

/** What one node asks another. */
export interface ViewRequest {
  /** Only the events after the one of this number. */
  readonly after?: number;
  /** Not the one that is asked but this peer of it, which it asks in turn. */
  readonly of?: string;
  /** No view but what is known of this name. */
  readonly explain?: string;
}
