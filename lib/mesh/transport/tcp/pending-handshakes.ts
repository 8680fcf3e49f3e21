import { PeerageError } from '../../../errors/peerage-error.js';

/** An inbound connection whose handshake is not over. */
export interface PendingConnection {
  /**
   * `silent`: nothing came from it. `speaking`: it has said something and proved nothing. `proved`: it is a
   * link.
   */
  readonly stage: 'silent' | 'speaking' | 'proved';
  /** It has to make room for another. */
  evict(): void;
}

/**
 * Inbound connections between accept and the end of their handshake, at most so many. When it is full, the one that has waited
 * longest without proving anything makes room, the silent first: so connections that only sit there keep
 * nobody out.
 */
export class PendingHandshakes<Connection extends PendingConnection> {
  private readonly connections = new Set<Connection>();

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.connections.size;
  }

  /** `false`: there is no room, and nobody who could make some. */
  admit(connection: Connection): boolean {
    if (this.connections.size >= this.limit) {
      const victim = this.oldest('silent') ?? this.oldest('speaking');
      if (!victim) return false;
      this.connections.delete(victim);
      victim.evict();
    }
    this.connections.add(connection);
    return true;
  }

  settled(connection: Connection): void {
    this.connections.delete(connection);
  }

  [Symbol.iterator](): Iterator<Connection> {
    return [...this.connections].values();
  }

  private oldest(stage: PendingConnection['stage']): Connection | undefined {
    for (const connection of this.connections) if (connection.stage === stage) return connection;
    return undefined;
  }
}

export function tooManyHandshakes(limit: number): PeerageError {
  return new PeerageError(
    'TOO_MANY_HANDSHAKES',
    `${limit} handshakes are under way, and this connection had proved nothing. Are strangers flooding this port? Else raise limits.pendingHandshakes.`,
  );
}
