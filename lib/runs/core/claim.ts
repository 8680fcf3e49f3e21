import { MAX_SKEW_MS, NUDGE_MS, RETRY_MS } from './run.types.js';
import type { RunKey, RunRules, RunView } from './run.types.js';

/** A run that is due here, and undecided. */
export interface PendingRun {
  readonly key: RunKey;
  readonly rules: RunRules;
  /** When it was due here, or was last seen under way elsewhere. */
  sinceMs: number;
  /** Nodes that will not claim it. */
  readonly declined: Set<string>;
  /** When the next in order is asked whether it will. */
  nudgeAtMs: number;
  /** Not to be claimed before. */
  notBeforeMs: number;
  claim: Claim | undefined;
}

export function pendingRun(key: RunKey, rules: RunRules, nowMs: number): PendingRun {
  return {
    key,
    rules,
    sinceMs: nowMs,
    declined: new Set(),
    nudgeAtMs: nowMs + NUDGE_MS,
    notBeforeMs: -Infinity,
    claim: undefined,
  };
}

/** This node wants a run, and asks all others for it. */
export class Claim {
  private readonly granted = new Set<string>();
  private readonly young = new Set<string>();
  private readonly asked = new Set<string>();
  /** They know nothing of runs. */
  private readonly mute = new Set<string>();
  private readonly askAtMs = new Map<string, number>();
  /** All have granted it, and the store is asked. */
  isStoring = false;

  constructor(
    readonly attempt: number,
    readonly sinceMs: number,
  ) {}

  /** `isYoung`: it counts for no majority. */
  grant(id: string, isYoung = false): void {
    this.granted.add(id);
    if (isYoung) this.young.add(id);
  }

  /** That node is an older build. */
  pass(id: string): void {
    this.mute.add(id);
  }

  retry(id: string, nowMs: number, inMs = RETRY_MS): void {
    this.askAtMs.set(id, nowMs + inMs);
  }

  /** Who said no is asked again at once: something has changed. */
  retryAll(nowMs: number): void {
    for (const [id, atMs] of this.askAtMs) if (atMs !== Infinity) this.askAtMs.set(id, nowMs);
  }

  /** Those that have granted it, or may have. */
  get askedOf(): readonly string[] {
    return [...this.asked];
  }

  /** The nodes that have to be asked now. */
  toAsk(view: RunView, nowMs: number): readonly string[] {
    const due = view.peers.filter(({ id }) => this.isOpen(id) && (this.askAtMs.get(id) ?? 0) <= nowMs);
    // Until it has answered, or could not be asked.
    for (const { id } of due) {
      this.askAtMs.set(id, Infinity);
      this.asked.add(id);
    }
    return due.map(({ id }) => id);
  }

  /**
   * All have granted it. One whose loop is blocked is waited for only if it has told nothing since it came, and until
   * it is late: what it had begun, it would have asked this node for.
   */
  isComplete(view: RunView, heard: ReadonlySet<string>, isLate: boolean): boolean {
    const isPassed = (id: string): boolean => isLate || heard.has(id);
    return view.peers.every(({ id, status }) => !this.isOpen(id) || (status === 'degraded' && isPassed(id)));
  }

  /** `own`: the vote of this node. */
  hasQuorum({ quorum }: RunView, own: 0 | 1): boolean {
    return quorum <= 1 || this.granted.size - this.young.size + own >= quorum;
  }

  private isOpen(id: string): boolean {
    return !this.granted.has(id) && !this.mute.has(id);
  }
}

/** What stands for a run when nodes are ranked for it. */
export function rankKey({ job, dueMs }: RunKey, { spread }: Pick<RunRules, 'spread'>): string {
  return spread ? `${job}\n${dueMs}` : job;
}

/** The node whose claim it is now; undefined when nobody's. */
export function firstInOrder(run: PendingRun, view: RunView, nowMs: number): string | undefined {
  const { key, rules, declined, sinceMs } = run;
  if (rules.isDirect) return view.self;
  const isLate = nowMs - sinceMs >= rules.lateMs;
  const statuses = new Map(view.peers.map(({ id, status }) => [id, status]));
  const ids = view.having(key.job).filter((id) => {
    if (declined.has(id)) return false;
    if (id === view.self) return true;
    const status = statuses.get(id);
    return status === 'up' || (status === 'degraded' && !isLate);
  });
  return view.rank(rankKey(key, rules), ids)[0];
}

/** Who was here before this node may have granted it, and nobody remembers. */
export function isYoungFor({ dueMs }: RunKey, { bornAtMs }: RunView): boolean {
  return dueMs > 0 && dueMs < bornAtMs + MAX_SKEW_MS;
}

/** It matters how it ends elsewhere. */
export function awaitsEnd({ onLoss, isOnce }: RunRules): boolean {
  return onLoss === 'rerun' || isOnce;
}
