import type { PeerageModuleOptions, RunOnceOptions } from 'nestjs-peerage';

/** How a jobber keeps others from running the same job: by `@RunOnce()`, not at all, or by hand. */
export type JobberKind = 'run-once' | 'schedule' | 'redis-lock' | 'postgres-lock';

/** What a jobber is told. */
export interface JobberConfig {
  readonly kind: JobberKind;
  readonly options: PeerageModuleOptions;
  /** The node names of all. */
  readonly names: readonly string[];
  readonly redisUrl?: string;
  readonly postgresUrl?: string;
  /** Of `@RunOnce()`. */
  readonly rules?: Pick<RunOnceOptions, 'onLoss' | 'spread' | 'lateMs'>;
  readonly store?: 'redis' | 'postgres';
  /** How long a run takes. */
  readonly workMs: number;
  /** So many jobs that are due every second, of `@RunOnce()` and of the Redis lock. @default 1 */
  readonly jobs?: number;
}
