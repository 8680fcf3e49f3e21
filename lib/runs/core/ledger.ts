import { MAX_TOLD, MAX_TOLD_KEYS, keyText } from './run.types.js';
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

  get(key: RunKey, nowMs: number): LedgerEntry | undefined {
    const entry = this.entries.get(keyText(key));
    return entry && leftOf(entry, nowMs) > 0 ? entry : undefined;
  }

  set(entry: LedgerEntry, nowMs: number): void {
    const text = keyText(entry.key);
    const before = this.get(entry.key, nowMs);
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

  /** What was begun, the latest last, for a node that comes. It remembers a run for as long as this one. */
  news(nowMs: number): RunNews[] {
    const told = [...this.entries.values()].flatMap((entry): RunNews[] => {
      const { key, holder, state, onLoss } = entry;
      const keepMs = Math.ceil(leftOf(entry, nowMs));
      return state === 'claimed' || keepMs <= 0 ? [] : [{ key, by: holder, word: state, onLoss, keepMs }];
    });
    const keys = told.filter(({ key }) => key.dueMs === 0);
    const runs = told.filter(({ key }) => key.dueMs !== 0);
    return [...keys.slice(-MAX_TOLD_KEYS), ...runs.slice(-MAX_TOLD)];
  }

  /** A run was run twice. Returns whether that is news: each is told once. */
  noteDuplicate(key: RunKey): boolean {
    const text = keyText(key);
    if (this.reported.has(text)) return false;
    if (this.reported.size >= MAX_REPORTED) this.reported.clear();
    this.reported.add(text);
    return true;
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

/** How long it counts from now on. What is under way counts until it has ended. */
function leftOf({ atMs, keepMs, state }: Kept, nowMs: number): number {
  return state === 'done' || state === 'lost' ? keepMs - (nowMs - atMs) : Math.max(1, keepMs);
}
