/** What a node that has just started knows of the cluster. */
interface FirstLook {
  /** Since it listens. */
  readonly sinceMs: number;
  /** Every provider was asked once. */
  readonly isPolled: boolean;
  readonly hasPeers: boolean;
  /** Nothing is being dialled, or in its handshake. */
  readonly isCalm: boolean;
  /** All peers have told what is theirs. */
  readonly allTold: boolean;
}

/** How long a node looks for others. */
interface SettlingBounds {
  readonly settleMs: number;
  /** Polls end within this, unless nobody polls. */
  readonly pollMs: number;
}

/**
 * Whether a node has seen enough of the cluster to own anything. One that has just started sees nobody, and by what
 * it sees everything would be its own.
 */
export function isSettled(look: FirstLook, { settleMs, pollMs }: SettlingBounds): boolean {
  if (look.isPolled && look.hasPeers && look.isCalm && look.allTold) return true;
  // It is alone, or some of what it found is out of reach.
  return look.sinceMs >= settleMs && (look.isPolled || look.sinceMs >= settleMs + pollMs);
}
