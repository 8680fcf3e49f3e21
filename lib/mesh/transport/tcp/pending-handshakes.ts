import { PeerageError } from '../../../errors/peerage-error.js';

/** A caller whose handshake is not over. */
export interface PendingCaller {
  /**
   * `silent`: nothing came from it. `speaking`: it has said something and proved nothing. `proved`: it is a
   * link.
   */
  readonly stage: 'silent' | 'speaking' | 'proved';
  /** It has to make room for another. */
  evict(): void;
}

/**
 * Callers between accept and the end of their handshake, at most so many. When it is full, whoever has waited
 * longest without proving anything makes room, the silent first: so connections that only sit there keep
 * nobody out.
 */
export class PendingHandshakes<Caller extends PendingCaller> {
  private readonly callers = new Set<Caller>();

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.callers.size;
  }

  /** `false`: there is no room, and nobody who could make some. */
  admit(caller: Caller): boolean {
    if (this.callers.size >= this.limit) {
      const victim = this.oldest('silent') ?? this.oldest('speaking');
      if (!victim) return false;
      this.callers.delete(victim);
      victim.evict();
    }
    this.callers.add(caller);
    return true;
  }

  settled(caller: Caller): void {
    this.callers.delete(caller);
  }

  [Symbol.iterator](): Iterator<Caller> {
    return [...this.callers].values();
  }

  private oldest(stage: PendingCaller['stage']): Caller | undefined {
    for (const caller of this.callers) if (caller.stage === stage) return caller;
    return undefined;
  }
}

export function tooManyHandshakes(limit: number): PeerageError {
  return new PeerageError(
    'TOO_MANY_HANDSHAKES',
    `${limit} handshakes are under way, and this caller had proved nothing. Are strangers flooding this port? Else raise limits.pendingHandshakes.`,
  );
}
