import type { SkipReason } from './core/run.types.js';

/**
 * Why a run is not for this node.
 *
 * - `elsewhere`: `by` runs it, or has.
 * - `lost`: `by` ended before it was done, and `onLoss` is `skip`.
 * - `unsure`: others did not answer within `lateMs`.
 * - `no quorum`: fewer than a majority granted it.
 * - `store`: the store did not answer within `lateMs`.
 * - `stale`: it is overdue by so much that others may have forgotten whether it was run.
 * - `leaving`: this node shuts down, or has the job no more.
 *
 * @publicApi
 */
export type RunSkipReason = SkipReason;

/**
 * What becomes of a job's due times, as this node sees it.
 *
 * @publicApi
 */
export type RunEvent = {
  readonly at: Date;
  readonly job: string;
  readonly dueAt: Date;
  readonly key: string;
} & (
  | { readonly type: 'started' }
  | { readonly type: 'finished'; readonly tookMs: number; readonly error?: unknown }
  | { readonly type: 'skipped'; readonly reason: RunSkipReason; readonly by?: string }
  /** Two nodes ran it, each on its side of a split. Told when they see each other again. */
  | { readonly type: 'duplicate'; readonly by: readonly [string, string] }
);

/**
 * How often which of them happened since the start.
 *
 * @publicApi
 */
export type RunTotals = Readonly<Record<RunEvent['type'], number>>;

/**
 * What became of one job's runs on this node, since its start.
 *
 * @publicApi
 */
export interface JobStats {
  /** Its name. All calls of `cluster.once()` are one job, `once()`. */
  readonly job: string;
  /** Runs that began here. */
  readonly started: number;
  /** Runs that ended here. Those that threw are among them. */
  readonly finished: number;
  /** Those that threw. */
  readonly failed: number;
  /** Now at work. */
  readonly running: number;
  /** Not run here, by why. */
  readonly skipped: Readonly<Record<RunSkipReason, number>>;
  /** Run by two nodes, while the network was split. */
  readonly duplicates: number;
  /** The run that began or ended last on this node. */
  readonly last?: LastRun;
}

/**
 * A run of this node.
 *
 * @publicApi
 */
export interface LastRun {
  /** When it was due, by its schedule. */
  readonly dueAt: Date;
  /** When it began. */
  readonly startedAt: Date;
  /** How long it took, in milliseconds. Without it: it is still at work. */
  readonly tookMs?: number;
  /** What it threw, in words. */
  readonly error?: string;
}

/**
 * What came of `cluster.once()`: what it returned here, or who has it; `reason` `lost` says that `by` ended before it
 * was done.
 *
 * @publicApi
 */
export type OnceResult<T> =
  | { readonly ran: true; readonly value: T }
  | { readonly ran: false; readonly by: string | undefined; readonly reason: RunSkipReason };

/**
 * Options of `cluster.once()`.
 *
 * @publicApi
 */
export interface OnceOptions {
  /** How long after its end it counts as done. At least 1000 ms, at most a day. */
  readonly ttlMs: number;
  /** As of {@link RunOnceOptions}. @default 'skip' */
  readonly onLoss?: 'skip' | 'rerun' | undefined;
  /** As of {@link RunOnceOptions}. @default 30_000 */
  readonly lateMs?: number | undefined;
}
