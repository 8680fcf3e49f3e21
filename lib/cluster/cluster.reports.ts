import { Inject, Injectable } from '@nestjs/common';
import { PeerageDiscovery } from '../discovery/peerage.discovery.js';
import type { Peer } from '../membership/events.js';
import type { MeshExplanation } from '../membership/explanation.js';
import type { Mesh } from '../mesh/mesh.js';
import { Messaging } from '../messaging/messaging.js';
import { canonicalName } from '../naming/node-name.js';
import { PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import { RunsService } from '../runs/runs.service.js';
import type { Clock } from '../time/clock.js';
import { dateMs } from '../time/clock.js';
import { LoopWatch } from '../time/loop-watch.js';
import { OtherApps } from './apps/other-apps.js';
import type { ClusterStats } from './cluster-stats.js';
import { EventCounters } from './cluster-stats.js';
import type { ClusterEvent } from './cluster.events.js';
import { EventHub } from './event-hub.js';
import type { Explanation, LoopStats } from './explanation.js';
import { type Isolation, isolationOf } from './isolation.js';
import { NodeState } from './node-state.js';

/** Who starts needs a moment; who is alone for so long is told why, so that it is there within ten seconds. */
const ALONE_MS = 8_000;

/** What this node can say about itself: `explain()` and `stats()`. */
@Injectable()
export class ClusterReports {
  private readonly counters = new EventCounters();
  private listeningSinceMs: number | undefined;
  private aloneSinceMs: number | undefined;
  /** How long the last time without a peer was. */
  aloneForMs = 0;

  constructor(
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
    private readonly discovery: PeerageDiscovery,
    private readonly messaging: Messaging,
    private readonly state: NodeState,
    private readonly loop: LoopWatch,
    private readonly hub: EventHub,
    private readonly runs: RunsService,
    private readonly apps: OtherApps,
  ) {}

  /** Counts every event from now on. */
  listen(): void {
    this.hub.onAny((event) => this.hear(event));
  }

  /** This node listens. */
  started(): void {
    this.listeningSinceMs = this.clock.now();
    if (this.mesh.peers.length === 0) this.aloneSinceMs = this.listeningSinceMs;
  }

  /** @throws PeerageError `INVALID_NAME` */
  explain(name?: string): Explanation {
    const { mesh, messaging, discovery, state } = this;
    const explanation = name === undefined ? mesh.explain() : mesh.explain(canonicalName(name));
    const alone = name === undefined ? this.isolation(explanation) : undefined;
    return {
      ...explanation,
      ...(alone && { alone: { forMs: alone.forMs, cause: alone.cause } }),
      notes: [...explanation.notes, ...this.apps.notes(), ...messaging.notes()],
      state: state.phase,
      loop: this.loopStats(),
      providers: discovery.explain(),
    };
  }

  /** Why this node has had no peer for so long; undefined when it has some, or should have none. */
  isolation(explanation?: MeshExplanation): (Isolation & { readonly forMs: number }) | undefined {
    const { mesh, clock, aloneSinceMs, state } = this;
    if (aloneSinceMs === undefined || mesh.peers.length > 0 || state.phase !== 'running') return undefined;
    const forMs = Math.round(clock.now() - aloneSinceMs);
    if (forMs < ALONE_MS) return undefined;
    const view = explanation ?? mesh.explain();
    const isolation = isolationOf({ ...view, loop: this.loopStats(), providers: this.discovery.explain() });
    return isolation && { ...isolation, forMs };
  }

  /** What does not work between this node and its peers, one sentence each. */
  troubles(): readonly string[] {
    return [...this.mesh.troubles(), ...this.apps.notes()];
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
      jobs: this.runs.jobStats,
    };
  }

  private hear(event: ClusterEvent): void {
    this.counters.hear(event);
    if (event.type === 'peer.up' && this.aloneSinceMs !== undefined) {
      this.aloneForMs = this.clock.now() - this.aloneSinceMs;
      this.aloneSinceMs = undefined;
    } else if (event.type === 'peer.down' && this.mesh.peers.length === 0)
      this.aloneSinceMs = this.clock.now();
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
