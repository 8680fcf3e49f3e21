/** An entry of one node. */
export interface Entry {
  /** Of all that this node ever had. */
  readonly id: number;
  readonly space: string;
  readonly key: string;
  readonly meta: unknown;
  /** What it takes, as JSON. */
  readonly bytes: number;
}

/** An entry as it was after one change. */
export interface NumberedEntry extends Entry {
  /** The number of that change. */
  readonly sequence: number;
}

/** Changes of the sender's entries, in order. */
export interface Update {
  /** The change that the receiver has confirmed last. 0: none, and all entries follow. */
  readonly base: number;
  /** The receiver is up to this change when it has this. */
  readonly upTo: number;
  /** Another update follows at once. */
  readonly more: boolean;
  /** Up to which change the sender knows the entries of the receiver. */
  readonly have: number;
  readonly put: readonly NumberedEntry[];
  /** Ids of entries that are no more. */
  readonly gone: readonly number[];
}

export interface PresenceLimits {
  /** Entries of one node. */
  readonly presenceEntries: number;
  /** Bytes of the entries of one node, as JSON. */
  readonly presenceBytes: number;
}

/**
 * Why an update was not confirmed. `lost`: in time, or its connection broke. `unknown`: the peer's release has no
 * presence. `gone`: it is no peer any more. `unsendable`: it takes no message of this length, or none can be made of it.
 */
export type Failure = 'lost' | 'unknown' | 'gone' | 'unsendable' | 'other';

export type PresenceInput =
  /** An own entry, new or changed. */
  | { readonly type: 'put'; readonly entry: Entry }
  | { readonly type: 'drop'; readonly id: number }
  /** `metBlank`: at the handshake neither side had ever had an entry, so each knows that of the other. */
  | { readonly type: 'peerUp'; readonly peer: string; readonly metBlank?: boolean }
  | { readonly type: 'peerDown'; readonly peer: string }
  | { readonly type: 'update'; readonly from: string; readonly update: Update }
  /** The peer answered an update: it is up to this change now. */
  | { readonly type: 'confirmed'; readonly peer: string; readonly attempt: number; readonly have: number }
  | { readonly type: 'failed'; readonly peer: string; readonly attempt: number; readonly why: Failure }
  /** The time of a `wakeAt` has come. */
  | { readonly type: 'wake' };

export type PresenceDirective =
  /** Tell this peer; hand back what came of this attempt as `confirmed` or `failed`. */
  | {
      readonly type: 'send';
      readonly to: string;
      readonly attempt: number;
      /** So long it has to confirm it. */
      readonly timeoutMs: number;
      readonly update: Update;
    }
  /** The answer to the update that was the input. */
  | { readonly type: 'answer'; readonly have: number }
  /** Entries of a peer, or of ourselves (no peer). */
  | {
      readonly type: 'changed';
      readonly peer?: string;
      readonly joined: readonly Entry[];
      readonly left: readonly Entry[];
      readonly updated: readonly Entry[];
    }
  /** This peer has more than we keep: its further entries are left out. */
  | { readonly type: 'overfull'; readonly peer: string }
  /** This peer cannot be told of an entry of ours; it is told of the others. */
  | { readonly type: 'unsendable'; readonly peer: string; readonly entry: Entry }
  | { readonly type: 'wakeAt'; readonly atMs: number };
