import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { DownReason } from '../membership/events.js';
import type { MeshStats } from '../mesh/mesh.js';
import type { NodeInfo } from '../naming/node-info.js';
import type { ProviderExplanation } from '../discovery/provider-status.js';
import type { JobStats } from '../runs/run.events.js';
import type { ClusterEvent } from './cluster.events.js';
import type { LoopStats, NodePhase } from './explanation.js';

/**
 * One snapshot of everything that this node counts: what exporters of metrics, health checks and dashboards read. Counts
 * begin with the node and only grow. Names of nodes are in `self` and in `providers`, and nowhere else.
 *
 * @publicApi
 */
export interface ClusterStats extends MeshStats {
  /** When it was taken, by the wall clock of this node. */
  readonly at: Date;
  /** This node. */
  readonly self: NodeInfo;
  /** The label of its cluster. */
  readonly cluster: string;
  /** How far it has come. */
  readonly state: NodePhase;
  /** Milliseconds since this node listens; 0 before. */
  readonly upMs: number;
  /** Its own event loop. */
  readonly loop: LoopStats;
  /** Peers by their status, now. */
  readonly peers: { readonly up: number; readonly degraded: number; readonly leaving: number };
  /** Events since the start. */
  readonly events: EventCounts;
  /** Requests of this node that wait for their answer. */
  readonly requests: { readonly pending: number };
  /** Where names come from, and how each source does. */
  readonly providers: readonly ProviderExplanation[];
  /** What became of the runs of each job here: of `@RunOnce()`, and of `once()` together. */
  readonly jobs: readonly JobStats[];
}

/**
 * How often what happened.
 *
 * @publicApi
 */
export interface EventCounts {
  /** Nodes that became peers. */
  readonly ups: number;
  /** Peers that went, by reason. */
  readonly downs: Readonly<Record<DownReason, number>>;
  /** How often the event loop of a peer was seen blocked. */
  readonly degradations: number;
  /** Strangers at our door, by the code of their refusal. */
  readonly refusedInbound: Readonly<Partial<Record<PeerageErrorCode, number>>>;
  /** Doors that were closed to us. Told once until it changes: a dial that is refused again counts in `dials` only. */
  readonly refusedOutbound: Readonly<Partial<Record<PeerageErrorCode, number>>>;
}

/** Counts events. */
export class EventCounters {
  private ups = 0;
  private degradations = 0;
  private readonly downs: Record<DownReason, number> = {
    left: 0,
    closed: 0,
    timeout: 0,
    replaced: 0,
    disconnected: 0,
  };
  private readonly refused: Record<'inbound' | 'outbound', Partial<Record<PeerageErrorCode, number>>> = {
    inbound: {},
    outbound: {},
  };

  hear(event: ClusterEvent): void {
    switch (event.type) {
      case 'peer.up':
        this.ups += 1;
        return;
      case 'peer.down':
        this.downs[event.reason] += 1;
        return;
      case 'peer.degraded':
        this.degradations += 1;
        return;
      case 'peer.refused': {
        const counts = this.refused[event.direction];
        counts[event.code] = (counts[event.code] ?? 0) + 1;
        return;
      }
      default:
    }
  }

  snapshot(): EventCounts {
    const { ups, degradations, downs, refused } = this;
    return {
      ups,
      downs: { ...downs },
      degradations,
      refusedInbound: { ...refused.inbound },
      refusedOutbound: { ...refused.outbound },
    };
  }
}
