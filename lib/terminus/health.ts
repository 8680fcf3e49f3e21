import type { ClusterStats } from '../cluster/cluster-stats.js';
import { duration } from '../time/seconds.js';

/** Who starts has so long to find its peers before it is ready without them. */
const START_MS = 30_000;

/** A block of our own loop is told for so long. */
const LATELY_MS = 60_000;

/**
 * When a node is ready.
 *
 * @publicApi
 */
export interface ReadinessOptions {
  /**
   * So many peers should be there. A node that starts is not ready before they are, for `startMs` at most; later a
   * missing peer makes it `degraded` and never unready, so that a split takes no side out of service. @default 0
   */
  readonly minPeers?: number | undefined;
  /** How long a node that starts waits for `minPeers`, in milliseconds. @default 30000 */
  readonly startMs?: number | undefined;
  /**
   * Not ready without a majority of so many nodes, this one counted: the smaller side of a split serves nobody. Nodes
   * must be found before they are ready (`publishNotReadyAddresses`), or none ever is. @default no majority is asked for
   */
  readonly quorum?: { readonly of: number } | undefined;
}

/** How a node does, and what is the matter. */
export interface Health {
  readonly status: 'up' | 'degraded' | 'down';
  readonly problems: readonly string[];
}

/** Whether work should be sent to this node. */
export function readinessOf(
  { state, upMs, peers, providers, loop }: ClusterStats,
  { minPeers = 0, startMs = START_MS, quorum }: ReadinessOptions = {},
): Health {
  if (state !== 'running') return { status: 'down', problems: [NOT_RUNNING[state]] };
  const down: string[] = [];
  const degraded: string[] = [];
  const count = peers.up + peers.degraded;
  const majority = quorum === undefined ? 0 : Math.floor(quorum.of / 2) + 1;
  if (count + 1 < majority)
    down.push(`sees ${count + 1} of the ${majority} nodes that are a majority of ${quorum?.of}`);
  if (count < minPeers) (upMs < startMs ? down : degraded).push(`has ${count} of ${minPeers} peers`);
  for (const { name, state: how, failingForMs = 0, error } of providers)
    if (how === 'failing') degraded.push(`${name} has failed for ${duration(failingForMs)}: ${error}`);
  if (loop.last && loop.last.agoMs < LATELY_MS)
    degraded.push(
      `its event loop was blocked for ${duration(loop.last.forMs)}, ${duration(loop.last.agoMs)} ago`,
    );
  const status = down.length > 0 ? 'down' : degraded.length > 0 ? 'degraded' : 'up';
  return { status, problems: [...down, ...degraded] };
}

/** Whether a restart would help: peers have no part in it, or a split would restart both of its sides. */
export function livenessOf({ state }: ClusterStats): Health {
  return state === 'stopped'
    ? { status: 'down', problems: [NOT_RUNNING.stopped] }
    : { status: 'up', problems: [] };
}

const NOT_RUNNING = {
  created: 'has not started yet',
  leaving: 'shuts down',
  stopped: 'has left the cluster, while its process runs on',
} as const;
