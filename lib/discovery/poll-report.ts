import type { FoundResult } from '../mesh/mesh.js';

/**
 * What one provider answered in one poll.
 *
 * @publicApi
 */
export interface ProviderReport {
  /** Its name: that of the class, or what it calls itself. */
  readonly provider: string;
  /** The valid names it gave; when it failed, those of its last good answer. */
  readonly names: readonly string[];
  /** How long it took to answer, in milliseconds. */
  readonly durationMs: number;
  /** Why it has no new answer. */
  readonly error?: Error;
  /** Names that were skipped because they are malformed, at most 20 of them. */
  readonly invalid: readonly string[];
}

/**
 * One poll: what each provider said, and how every name fared.
 *
 * @publicApi
 */
export interface PollReport {
  /** By the wall clock of this node. */
  readonly startedAt: Date;
  /** Until every provider had answered and every name had been tried, in milliseconds. */
  readonly durationMs: number;
  /** In the order of `via`. */
  readonly providers: readonly ProviderReport[];
  /** What became of each name that was found. */
  readonly results: readonly FoundResult[];
  /** Names of the live nodes after the poll, self included, sorted. */
  readonly live: readonly string[];
}

/** What discovery has to say. */
export type DiscoveryEvent =
  | { readonly type: 'provider.failed'; readonly provider: string; readonly error: Error }
  | {
      readonly type: 'provider.recovered';
      readonly provider: string;
      /** For how long it had failed, in milliseconds. */
      readonly failedForMs: number;
    }
  | { readonly type: 'poll'; readonly report: PollReport };
