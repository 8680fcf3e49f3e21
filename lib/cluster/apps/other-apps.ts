import { Inject, Injectable } from '@nestjs/common';
import type { Peer } from '../../membership/events.js';
import { Messaging } from '../../messaging/messaging.js';
import type { Mesh } from '../../mesh/mesh.js';
import { PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_RANDOM, PEERAGE_SETTINGS } from '../../peerage.constants.js';
import type { PeerageSettings } from '../../peerage.options.js';
import type { Clock } from '../../time/clock.js';
import { PATTERNS, patternOf } from '../../presence/pattern-keys.js';
import { Presence } from '../../presence/presence.service.js';
import { ClusterOrchestrator } from '../cluster.orchestrator.js';
import { EventHub } from '../event-hub.js';
import { printable } from '../../naming/printable.js';
import type { AppFacts } from './app-facts.js';
import { boundFacts, differenceOf, eachHas, readFacts } from './app-facts.js';
import { ownProgram } from './own-program.js';

/** On this topic every node tells of its app. One of an older release answers `NO_HANDLER`. */
const APP_TOPIC = '$$peerage.app';

/** A peer is asked so long after it came up, and up to as much later: there is no hurry. */
const ASK_AFTER_MS = 1_500;

/** So long its app may take to start, before which it does not answer. */
const ANSWER_MS = 60_000;

/**
 * Notices peers that may be another app. A cluster whose label nobody chose has that of a package.json, and two apps
 * can have the same one there.
 */
@Injectable()
export class OtherApps {
  /** By boot id: why that peer may be another app. */
  private readonly differences = new Map<string, string>();
  private readonly program = ownProgram();

  constructor(
    private readonly messaging: Messaging,
    private readonly hub: EventHub,
    private readonly orchestrator: ClusterOrchestrator,
    private readonly presence: Presence,
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
    @Inject(PEERAGE_RANDOM) private readonly random: () => number,
  ) {}

  /** Answers who asks, when the app is ready, and asks peers when the label of this cluster was chosen by nobody. */
  open(): void {
    this.messaging.handle(APP_TOPIC, () => this.own(), APP_TOPIC);
    if (!this.settings.clusterIsDerived) return;
    this.hub.on('peer.up', ({ peer }) => this.askLater(peer));
    this.hub.on('peer.down', ({ peer }) => this.differences.delete(peer.bootId));
  }

  /** For each kind of other app, one of its nodes. */
  notes(): string[] {
    const example = new Map<string, string>();
    for (const { bootId, name } of this.mesh.peers) {
      const difference = this.differences.get(bootId);
      if (difference !== undefined && !example.has(difference)) example.set(difference, name);
    }
    const label = JSON.stringify(this.settings.cluster);
    return [...example].map(([difference, name]) =>
      printable(
        `${name} may be another app: ${difference}. Nobody chose the name of this cluster, ${label}, it is from ` +
          'package.json. Give each app a name of its own: appName in PeerageModule.forRoot(), or PEERAGE_APP_NAME. ' +
          'If it is one app, that ends this note, too.',
      ),
    );
  }

  private askLater(peer: Peer): void {
    this.clock.after(ASK_AFTER_MS * (1 + this.random()), () => void this.ask(peer), true);
  }

  private async ask({ bootId, name, meta }: Peer): Promise<void> {
    if (!this.isPeer(bootId)) return;
    try {
      const other = readFacts(
        await this.messaging.request({ bootId, name }, APP_TOPIC, null, { timeoutMs: ANSWER_MS }),
      );
      const own = this.own();
      const difference =
        (other && differenceOf(own, other)) ??
        eachHas('meta with', Object.keys(this.mesh.self.meta), Object.keys(meta));
      if (difference !== undefined && this.isPeer(bootId)) this.differences.set(bootId, difference);
    } catch {
      // It is gone, or of an older release.
    }
  }

  private isPeer(bootId: string): boolean {
    return this.mesh.peers.some((peer) => peer.bootId === bootId);
  }

  private own(): AppFacts {
    const { bootId } = this.mesh.self;
    const entries = this.presence.of(PATTERNS).list();
    const patterns = entries.filter(({ node }) => node.bootId === bootId).map(({ key }) => patternOf(key));
    const handles = [...this.orchestrator.topics, ...patterns];
    return boundFacts({ ...this.program, handles: [...new Set(handles)].toSorted() });
  }
}
