import type { OwnEntries } from './own-entries.js';
import { BLANK } from './own-entries.js';
import type { Failure, NumberedEntry, PresenceDirective } from './presence-core.types.js';

/** About this much goes into one update. */
const UPDATE_BYTES = 64 * 1024;

/** A peer that could not be told is tried again after this. */
const RETRY_MS = 1_000;

/**
 * What a connection took with it when it broke is missed soon: others must know who counts before they hold what is
 * not theirs. A peer that is slow or blocked has longer each time.
 */
const FIRST_TIMEOUT_MS = 500;
const MAX_TIMEOUT_MS = 8_000;

/** What one peer knows of our entries. */
interface Listener {
  /** The change it confirmed last; 0: nothing yet. */
  confirmed: number;
  /** The update that is on its way, by its attempt. */
  asked: number | undefined;
  /** The first entry of that update. */
  first: NumberedEntry | undefined;
  /** What it does not take even alone: entries by the numbers of their changes. It is told the others. */
  readonly unsendable: Set<number>;
  /** Its release has no presence. */
  isWithout: boolean;
  /** No update goes out before this. */
  retryAtMs?: number;
  updateBytes: number;
  timeoutMs: number;
}

/** Tells every peer what it has not confirmed: one update at a time, so changes meanwhile go together in the next. */
export class Telling {
  private readonly listeners = new Map<string, Listener>();
  private attempts = 0;

  constructor(private readonly own: OwnEntries) {}

  peers(): string[] {
    return [...this.listeners.keys()];
  }

  isWithout(peer: string): boolean {
    return this.listeners.get(peer)?.isWithout === true;
  }

  /** Every peer that has presence has confirmed this change. */
  isTold(sequence: number): boolean {
    return [...this.listeners.values()].every(
      ({ confirmed, isWithout }) => isWithout || confirmed >= sequence,
    );
  }

  /** `wasBlank`: it knows that this node had no entries when they met. */
  begin(peer: string, wasBlank: boolean): void {
    this.listeners.set(peer, {
      confirmed: wasBlank ? BLANK : 0,
      asked: undefined,
      first: undefined,
      unsendable: new Set(),
      isWithout: false,
      updateBytes: UPDATE_BYTES,
      timeoutMs: FIRST_TIMEOUT_MS,
    });
  }

  end(peer: string): void {
    this.listeners.delete(peer);
  }

  /** The peer begins anew, and says what it has. What is on its way to it counts no more. */
  restart(peer: string, have: number): void {
    const listener = this.listeners.get(peer);
    if (!listener || have > this.own.sequence) return;
    listener.asked = undefined;
    listener.confirmed = have;
    listener.isWithout = false;
  }

  confirmed(peer: string, attempt: number, have: number, nowMs: number): void {
    const listener = this.answered(peer, attempt);
    if (!listener) return;
    // It cannot be ahead of us: that is no answer that we understand.
    if (have > this.own.sequence) listener.retryAtMs = nowMs + RETRY_MS;
    else {
      listener.confirmed = have;
      listener.timeoutMs = FIRST_TIMEOUT_MS;
    }
  }

  failed(peer: string, attempt: number, why: Failure, nowMs: number): PresenceDirective[] {
    const listener = this.answered(peer, attempt);
    if (!listener) return [];
    switch (why) {
      case 'lost':
        listener.timeoutMs = Math.min(2 * listener.timeoutMs, MAX_TIMEOUT_MS);
        return [];
      case 'unknown':
        listener.isWithout = true;
        return [];
      case 'gone':
        // Its end is about to be told, or it comes back in a while.
        break;
      case 'unsendable':
        if (listener.updateBytes > 1) {
          listener.updateBytes = Math.floor(listener.updateBytes / 4);
          return [];
        }
        listener.updateBytes = UPDATE_BYTES;
        if (!listener.first) break;
        listener.unsendable.add(listener.first.sequence);
        return [{ type: 'unsendable', peer, entry: listener.first }];
      case 'other':
    }
    listener.retryAtMs = nowMs + RETRY_MS;
    return [];
  }

  /** Updates for all who miss something. */
  pump(nowMs: number, haveOf: (peer: string) => number): PresenceDirective[] {
    const out: PresenceDirective[] = [];
    let least = this.own.sequence;
    for (const [peer, listener] of this.listeners) {
      if (listener.isWithout) continue;
      least = Math.min(least, listener.confirmed);
      if (listener.asked !== undefined || listener.confirmed === this.own.sequence) continue;
      if (listener.retryAtMs !== undefined && listener.retryAtMs > nowMs) continue;
      delete listener.retryAtMs;
      listener.asked = ++this.attempts;
      const base = listener.confirmed < this.own.floor ? 0 : listener.confirmed;
      const changes = this.own.since(base, listener.updateBytes, listener.unsendable);
      const update = { ...changes, have: haveOf(peer) };
      listener.first = update.put[0];
      out.push({ type: 'send', to: peer, attempt: listener.asked, timeoutMs: listener.timeoutMs, update });
    }
    this.own.tidy(least);
    return out;
  }

  /** When the next peer is tried again. */
  nextRetryMs(): number | undefined {
    let nextMs: number | undefined;
    for (const { retryAtMs } of this.listeners.values())
      if (retryAtMs !== undefined) nextMs = Math.min(nextMs ?? retryAtMs, retryAtMs);
    return nextMs;
  }

  /** The listener, when it was this attempt that counts. */
  private answered(peer: string, attempt: number): Listener | undefined {
    const listener = this.listeners.get(peer);
    if (listener?.asked !== attempt) return undefined;
    listener.asked = undefined;
    return listener;
  }
}
