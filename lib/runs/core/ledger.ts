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
  /** Of what is lost: its holder went before anything was heard of a start. */
  readonly wasClaim?: boolean;
}

/** So many runs, and so many keys, are remembered, whatever members claim; beyond that the oldest are forgotten. */
const MAX_KEPT = 100_000;

/** Duplicates that are remembered, so that each is told once. */
const MAX_REPORTED = 1_000;

/** Who has which run: one holder each, until that one gives it back. */
export class Ledger {
  /** Runs that are due at some time; and those that have none, as those of `once()`. */
  private readonly runs = new Map<string, Kept>();
  private readonly keys = new Map<string, Kept>();
  private readonly reported = new Set<string>();

  /** @param self this node: what it is at work on is never forgotten */
  constructor(
    private readonly self: () => string,
    private readonly maxKept = MAX_KEPT,
  ) {}

  get(key: RunKey, nowMs: number): LedgerEntry | undefined {
    const entry = this.of(key).get(keyText(key));
    return entry && leftOf(entry, nowMs) > 0 ? entry : undefined;
  }

  set(entry: LedgerEntry, nowMs: number): void {
    const before = this.get(entry.key, nowMs);
    // News that were sent again may be older than what is known.
    if (before?.state === 'done' && before.holder === entry.holder && entry.state !== 'done') return;
    this.put({ ...entry, atMs: nowMs });
  }

  private put(entry: Kept): void {
    const text = keyText(entry.key);
    const kept = this.of(entry.key);
    // What was changed last stands last, so that the oldest are found first.
    kept.delete(text);
    kept.set(text, entry);
    if (kept.size > this.maxKept) this.forgetOldest(kept);
  }

  delete(key: RunKey): void {
    this.of(key).delete(keyText(key));
  }

  /** That node is gone: what it had, and had not told to be done, is lost, or to be run again. */
  lose(holder: string, nowMs: number): void {
    for (const entry of [...this.keys.values(), ...this.runs.values()]) {
      if (entry.holder !== holder || (entry.state !== 'claimed' && entry.state !== 'started')) continue;
      if (entry.onLoss === 'rerun') this.delete(entry.key);
      else this.put({ ...entry, state: 'lost', wasClaim: entry.state === 'claimed', atMs: nowMs });
    }
  }

  /** That node is back, it had not ended: what it had claimed, it may have begun or given back, and can be asked. */
  find(holder: string, nowMs: number): void {
    for (const entry of [...this.keys.values(), ...this.runs.values()])
      if (entry.holder === holder && entry.state === 'lost' && entry.wasClaim === true)
        this.put({ ...entry, state: 'claimed', wasClaim: false, atMs: nowMs });
  }

  /** What was begun, the latest last, for a node that comes. It remembers a run for as long as this one. */
  news(nowMs: number): RunNews[] {
    const told = (entry: Kept): RunNews[] => {
      const { key, holder, state, onLoss } = entry;
      const keepMs = Math.ceil(leftOf(entry, nowMs));
      return state === 'claimed' || keepMs <= 0 ? [] : [{ key, by: holder, word: state, onLoss, keepMs }];
    };
    return [
      ...[...this.keys.values()].flatMap(told).slice(-MAX_TOLD_KEYS),
      ...[...this.runs.values()].flatMap(told).slice(-MAX_TOLD),
    ];
  }

  /** A run was run twice. Returns whether that is news: each is told once. */
  noteDuplicate(key: RunKey): boolean {
    const text = keyText(key);
    if (this.reported.has(text)) return false;
    if (this.reported.size >= MAX_REPORTED) this.reported.clear();
    this.reported.add(text);
    return true;
  }

  /** Forgets what is old. */
  prune(nowMs: number): void {
    for (const kept of [this.runs, this.keys])
      for (const [text, entry] of kept)
        if (nowMs - entry.atMs > entry.keepMs && !this.isOwnWork(entry)) kept.delete(text);
  }

  get size(): number {
    return this.runs.size + this.keys.size;
  }

  private of({ dueMs }: RunKey): Map<string, Kept> {
    return dueMs === 0 ? this.keys : this.runs;
  }

  private forgetOldest(kept: Map<string, Kept>): void {
    for (const [text, entry] of kept) if (!this.isOwnWork(entry)) return void kept.delete(text);
  }

  private isOwnWork({ holder, state }: Kept): boolean {
    return holder === this.self() && (state === 'started' || state === 'claimed');
  }
}

/** How long it counts from now on. What is under way counts until it has ended. */
function leftOf({ atMs, keepMs, state }: Kept, nowMs: number): number {
  return state === 'done' || state === 'lost' ? keepMs - (nowMs - atMs) : Math.max(1, keepMs);
}
