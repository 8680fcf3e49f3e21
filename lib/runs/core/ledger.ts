import { keyText } from './run.types.js';
import type { OnLoss, RunKey, RunNews, RunState } from './run.types.js';

/** Whom a run belongs to, as far as this node knows. It has granted it to nobody else. */
export interface LedgerEntry {
  readonly key: RunKey;
  readonly holder: string;
  readonly state: RunState;
  readonly onLoss: OnLoss;
  readonly keepMs: number;
}

interface Kept extends LedgerEntry {
  readonly atMs: number;
}

/** Duplicates that are remembered, so that each is told once. */
const MAX_REPORTED = 1_000;

/** Who has which run: one holder each, until that one gives it back. */
export class Ledger {
  private readonly entries = new Map<string, Kept>();
  private readonly reported = new Set<string>();

  get(key: RunKey): LedgerEntry | undefined {
    return this.entries.get(keyText(key));
  }

  set(entry: LedgerEntry, nowMs: number): void {
    const text = keyText(entry.key);
    const before = this.entries.get(text);
    // News that were sent again may be older than what is known.
    if (before?.state === 'done' && before.holder === entry.holder && entry.state !== 'done') return;
    // What was changed last stands last, so that the oldest are found first.
    this.entries.delete(text);
    this.entries.set(text, { ...entry, atMs: nowMs });
  }

  delete(key: RunKey): void {
    this.entries.delete(keyText(key));
  }

  /** That node is gone: what it had, and had not told to be done, is lost, or to be run again. */
  lose(holder: string, nowMs: number): void {
    for (const entry of [...this.entries.values()]) {
      if (entry.holder !== holder || (entry.state !== 'claimed' && entry.state !== 'started')) continue;
      if (entry.onLoss === 'rerun') this.delete(entry.key);
      else this.set({ ...entry, state: 'lost' }, nowMs);
    }
  }

  /** What was begun, the latest, for a node that comes. */
  news(max: number): RunNews[] {
    const entries = [...this.entries.values()].filter(({ state }) => state !== 'claimed').slice(-max);
    return entries.map(({ key, holder, state, onLoss, keepMs }) => {
      return { key, by: holder, word: state === 'claimed' ? 'started' : state, onLoss, keepMs };
    });
  }

  /** Whether a duplicate was told of before: each is told once. */
  isReported(key: RunKey): boolean {
    const text = keyText(key);
    if (this.reported.has(text)) return true;
    if (this.reported.size >= MAX_REPORTED) this.reported.clear();
    this.reported.add(text);
    return false;
  }

  /** Forgets what is old, but not what `self` is at work on. */
  prune(self: string, nowMs: number): void {
    for (const [text, { atMs, keepMs, holder, state }] of this.entries) {
      const isOwnWork = holder === self && (state === 'started' || state === 'claimed');
      if (nowMs - atMs > keepMs && !isOwnWork) this.entries.delete(text);
    }
  }

  get size(): number {
    return this.entries.size;
  }
}
