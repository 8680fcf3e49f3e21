import { Inject, Injectable } from '@nestjs/common';
import { PeerageDiscovery } from '../discovery/peerage.discovery.js';
import type { Peer } from '../membership/events.js';
import type { Mesh } from '../mesh/mesh.js';
import { Messaging } from '../messaging/messaging.js';
import { canonicalName } from '../naming/node-name.js';
import { PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import type { Clock } from '../time/clock.js';
import { dateMs } from '../time/clock.js';
import { LoopWatch } from '../time/loop-watch.js';
import type { ClusterStats } from './cluster-stats.js';
import { EventCounters } from './cluster-stats.js';
import { EventHub } from './event-hub.js';
import type { Explanation, LoopStats } from './explanation.js';
import { NodeState } from './node-state.js';

/** What this node can say about itself: `explain()` and `stats()`. */
@Injectable()
export class ClusterReports {
  private readonly counters = new EventCounters();
  private listeningSinceMs: number | undefined;

  constructor(
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
    private readonly discovery: PeerageDiscovery,
    private readonly messaging: Messaging,
    private readonly state: NodeState,
    private readonly loop: LoopWatch,
    private readonly hub: EventHub,
  ) {}

  /** Counts every event from now on. */
  listen(): void {
    this.hub.onAny((event) => this.counters.hear(event));
  }

  /** This node listens. */
  started(): void {
    this.listeningSinceMs = this.clock.now();
  }

  /** @throws PeerageError `INVALID_NAME` */
  explain(name?: string): Explanation {
    const { mesh, messaging, discovery, state } = this;
    const explanation = name === undefined ? mesh.explain() : mesh.explain(canonicalName(name));
    return {
      ...explanation,
      notes: [...explanation.notes, ...messaging.notes()],
      state: state.phase,
      loop: this.loopStats(),
      providers: discovery.explain(),
    };
  }

  stats(): ClusterStats {
    const { mesh, clock, state, messaging, discovery, listeningSinceMs } = this;
    const { self, peers } = mesh;
    return {
      ...mesh.stats(),
      at: new Date(dateMs(clock)),
      self,
      cluster: this.settings.cluster,
      state: state.phase,
      upMs: listeningSinceMs === undefined ? 0 : Math.round(clock.now() - listeningSinceMs),
      loop: this.loopStats(),
      peers: countByStatus(peers),
      events: this.counters.snapshot(),
      requests: { pending: messaging.pendingRequests },
      providers: discovery.explain(),
    };
  }

  private loopStats(): LoopStats {
    return { lagMs: Math.round(this.loop.lagMs), ...this.loop.history };
  }
}

function countByStatus(peers: readonly Peer[]): Record<Peer['status'], number> {
  const counts = { up: 0, degraded: 0, leaving: 0 };
  for (const { status } of peers) counts[status] += 1;
  return counts;
}
