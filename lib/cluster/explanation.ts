import type { MeshExplanation } from '../membership/explanation.js';
import type { LastBlock } from '../time/loop-watch.js';
import type { ProviderExplanation } from '../discovery/provider-status.js';

/**
 * How far this node has come: `created` until it listens, `running`, `leaving` while it shuts down, `stopped`.
 *
 * @publicApi
 */
export type NodePhase = 'created' | 'running' | 'leaving' | 'stopped';

/**
 * The event loop of this node. Times in milliseconds.
 *
 * @publicApi
 */
export interface LoopStats {
  /** How late it is now. */
  readonly lagMs: number;
  /** How often it did not run for a second or more. */
  readonly blocks: number;
  /** The longest of these. */
  readonly longestMs: number;
  /** The last of these: how long it was, and how long ago it ended. */
  readonly last?: LastBlock;
}

/**
 * The answer of `ClusterService.explain()`. {@link formatExplanation} makes a text of it.
 *
 * @publicApi
 */
export interface Explanation extends MeshExplanation {
  /** How far this node has come. */
  readonly state: NodePhase;
  /** Since when this node has had no peer although it should have some, in milliseconds, and why. */
  readonly alone?: { readonly forMs: number; readonly cause: string };
  /** Our own event loop. */
  readonly loop: LoopStats;
  /** Where names come from, and what each source said last. */
  readonly providers: readonly ProviderExplanation[];
}
