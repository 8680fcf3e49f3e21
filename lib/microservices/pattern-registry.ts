import type { ClusterService } from '../cluster/cluster.service.js';
import type { PeerStatus } from '../membership/events.js';
import { keyOf, PATTERNS } from '../presence/pattern-keys.js';
import type { PresenceSpace } from '../presence/presence.space.js';
import { within } from '../time/waiting.js';
import type { NodeRef } from './local-or-remote.js';

/** How long anybody waits for a node to tell its patterns, in milliseconds. What it tells counts later too. */
const PATIENCE_MS = 2_000;

/** After these, other nodes are to be preferred. */
const STATUS_EVENTS = ['peer.degraded', 'peer.recovered', 'peer.leaving'] as const;

/** The nodes that have one pattern, sorted by name, and whose turn it is: the one at `cursor`. */
export interface Candidates {
  readonly nodes: readonly NodeRef[];
  /** Those that don't shut down; all, when every one does. */
  readonly staying: readonly NodeRef[];
  /** Of these, those whose event loop is not blocked; all of these, when every one is. */
  readonly well: readonly NodeRef[];
  cursor: number;
}

/** Of these nodes, which are sorted. */
export function candidatesOf(nodes: readonly NodeRef[], statusOf: (node: NodeRef) => PeerStatus): Candidates {
  const staying = someOr(nodes, (node) => statusOf(node) !== 'leaving');
  const well = someOr(staying, (node) => statusOf(node) !== 'degraded');
  // Not every client may begin with the same node.
  return { nodes, staying, well, cursor: Math.floor(Math.random() * nodes.length) };
}

function someOr<T>(all: readonly T[], isGood: (item: T) => boolean): readonly T[] {
  const good = all.filter(isGood);
  return good.length > 0 ? good : all;
}

/**
 * Tells all nodes that this one serves these patterns, until the returned function is called. That one resolves when
 * all know that it serves them no more.
 *
 * @throws PeerageError `OVERLOADED` when this node has as much presence as it may
 */
export function offer(cluster: ClusterService, patterns: Iterable<string>): () => Promise<void> {
  const { presences } = cluster;
  const space = presences.of<null>(PATTERNS);
  const offers: { untrack(): void }[] = [];
  const retract = (): Promise<void> => {
    for (const each of offers.splice(0)) each.untrack();
    return presences.told();
  };
  try {
    for (const pattern of patterns) offers.push(space.track(keyOf(pattern), null));
  } catch (error) {
    void retract();
    throw error;
  }
  return retract;
}

/** Who has which patterns, and whose turn it is to be asked. The clients of one app share one. */
export class PatternRegistry {
  private clients = 0;
  private readonly space: PresenceSpace<null>;
  /** The news that are worth waiting for. */
  private readonly awaited = new Set<Promise<unknown>>();
  /** Resolves when there are none. Who waits for it is served first, and in order. */
  private allTold: Promise<void> | undefined;
  private readonly candidates = new Map<string, Candidates>();
  /** Whether this node itself was leaving when they were made. */
  private isLeaving = false;
  private endings: (() => void)[] = [];

  constructor(private readonly cluster: ClusterService) {
    this.space = cluster.presences.of<null>(PATTERNS);
  }

  /** One client more uses it. */
  retain(): void {
    this.clients += 1;
    if (this.clients === 1) this.open();
  }

  release(): void {
    this.clients -= 1;
    if (this.clients === 0) this.close();
  }

  private open(): void {
    const { cluster, candidates } = this;
    const changes = this.space.changes$.subscribe(() => candidates.clear());
    this.endings = [
      () => changes.unsubscribe(),
      cluster.on('peer.up', ({ peer }) => this.wait(peer)),
      ...STATUS_EVENTS.map((type) => cluster.on(type, () => candidates.clear())),
    ];
    for (const peer of cluster.peers) this.wait(peer);
  }

  private close(): void {
    for (const end of this.endings.splice(0)) end();
    this.awaited.clear();
    this.candidates.clear();
  }

  get isSettled(): boolean {
    return this.awaited.size === 0 && this.allTold === undefined;
  }

  /** Resolves when every node that is known has told its patterns, or has had its time. */
  settled(): Promise<void> {
    if (this.isSettled) return Promise.resolve();
    if (!this.allTold) {
      this.allTold = this.untilAllTold();
      void this.allTold.then(() => (this.allTold = undefined));
    }
    return this.allTold;
  }

  private async untilAllTold(): Promise<void> {
    while (this.awaited.size > 0) await Promise.all(this.awaited);
  }

  candidatesFor(pattern: string): Candidates {
    const { cluster } = this;
    const { isLeaving } = cluster.state;
    if (this.isLeaving !== isLeaving) this.candidates.clear();
    this.isLeaving = isLeaving;
    let found = this.candidates.get(pattern);
    if (found) return found;
    const nodes = this.space.nodes(keyOf(pattern));
    const statuses = new Map(cluster.peers.map(({ bootId, status }) => [bootId, status]));
    if (isLeaving) statuses.set(cluster.self.bootId, 'leaving');
    found = candidatesOf(nodes, ({ bootId }) => statuses.get(bootId) ?? 'up');
    if (nodes.length > 0) this.candidates.set(pattern, found);
    return found;
  }

  private wait({ bootId }: NodeRef): void {
    const { presences, clock } = this.cluster;
    if (presences.knows(bootId)) return;
    const enough = within(PATIENCE_MS, presences.heard(bootId), undefined, clock);
    this.awaited.add(enough);
    void enough.finally(() => this.awaited.delete(enough));
  }
}

const registries = new WeakMap<ClusterService, PatternRegistry>();

export function patternsOf(cluster: ClusterService): PatternRegistry {
  let registry = registries.get(cluster);
  if (!registry) registries.set(cluster, (registry = new PatternRegistry(cluster)));
  return registry;
}
