import { Copies } from './copies.js';
import { BLANK, OwnEntries } from './own-entries.js';
import type { PresenceDirective, PresenceInput, PresenceLimits } from './presence-core.types.js';
import { Telling } from './telling.js';

/**
 * Entries that belong to one node each and are known to all: a pure state machine. Each node numbers the changes of
 * its own entries and tells every peer what that one has not confirmed yet, one update at a time; a peer that has
 * confirmed nothing gets them all. Nobody else changes an entry, so copies need no merging.
 */
export class PresenceCore {
  private readonly own: OwnEntries;
  private readonly telling: Telling;
  private readonly copies: Copies;
  private wakeAtMs: number | undefined;

  constructor(limits: PresenceLimits) {
    this.own = new OwnEntries(limits);
    this.telling = new Telling(this.own);
    this.copies = new Copies(limits);
  }

  /** Whether an entry of that many bytes more (or instead of that id) has room. */
  hasRoom(bytes: number, insteadOf?: number): boolean {
    return this.own.hasRoom(bytes, insteadOf);
  }

  /** Whether this peer has told all its entries, or has none to tell. */
  knows(peer: string): boolean {
    return this.copies.isWhole(peer) || this.telling.isWithout(peer);
  }

  get knowsAll(): boolean {
    return this.telling.peers().every((peer) => this.knows(peer));
  }

  /** Whether this node has never had an entry. */
  get isBlank(): boolean {
    return this.own.sequence === BLANK;
  }

  /** The number of this node's last change. */
  get sequence(): number {
    return this.own.sequence;
  }

  /** Whether every peer knows of that change of this node, or has no presence. */
  isTold(sequence: number): boolean {
    return this.telling.isTold(sequence);
  }

  handle(input: PresenceInput, nowMs: number): PresenceDirective[] {
    const out: PresenceDirective[] = [];
    switch (input.type) {
      case 'put':
        out.push(this.own.put(input.entry));
        break;
      case 'drop':
        out.push(...this.own.drop(input.id));
        break;
      case 'peerUp':
        this.copies.open(input.peer, input.metBlank === true);
        this.telling.begin(input.peer, input.metBlank === true);
        break;
      case 'peerDown':
        this.telling.end(input.peer);
        out.push(...this.copies.close(input.peer));
        break;
      case 'update':
        // It tells everything anew, so it may have taken us for dead meanwhile, and know nothing of ours.
        if (input.update.base === 0) this.telling.restart(input.from, input.update.have);
        out.push(...this.copies.take(input.from, input.update));
        break;
      case 'confirmed':
        this.telling.confirmed(input.peer, input.attempt, input.have, nowMs);
        break;
      case 'failed':
        out.push(...this.telling.failed(input.peer, input.attempt, input.why, nowMs));
        break;
      case 'wake':
        this.wakeAtMs = undefined;
    }
    out.push(...this.telling.pump(nowMs, (peer) => this.copies.have(peer)));
    const nextAtMs = this.telling.nextRetryMs();
    if (nextAtMs !== undefined && nextAtMs !== this.wakeAtMs) out.push({ type: 'wakeAt', atMs: nextAtMs });
    this.wakeAtMs = nextAtMs;
    return out;
  }
}
