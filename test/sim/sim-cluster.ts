import type { PeerEvent } from '../../lib/membership/events.js';
import { SimNode } from './sim-node.js';
import { World } from './world.js';

export interface SimEvent {
  readonly node: SimNode;
  readonly event: PeerEvent;
  readonly atMs: number;
}

/** A virtual cluster that is whole: every node was told of all others by a poll. */
export class SimCluster {
  readonly world: World;
  readonly nodes: SimNode[];

  constructor(count: number, seed: number, isStarted = true) {
    this.world = new World(seed);
    this.nodes = Array.from(
      { length: count },
      (_, i) => new SimNode(this.world, `10.${i >> 8}.${i & 255}.1`),
    );
    if (isStarted) this.start(15_000);
  }

  /** Starts all nodes, and lets so much time pass. */
  start(settleMs: number): void {
    for (const node of this.nodes) this.begin(node);
    this.run(settleMs);
    this.forgetEvents();
  }

  /** Starts a node, and polls for it once. */
  begin(node: SimNode): void {
    node.start();
    node.handle({ type: 'found', provider: 'sim', names: this.nodes.map(({ name }) => name), as: 'answer' });
  }

  run(ms: number): void {
    this.world.runUntil(this.world.nowMs + ms);
  }

  forgetEvents(): void {
    for (const node of this.nodes) node.events.length = 0;
  }

  /** What the apps were told, without the refusals. */
  events(...types: PeerEvent['type'][]): SimEvent[] {
    return this.nodes
      .flatMap((node) => node.events.map(({ event, atMs }) => ({ node, event, atMs })))
      .filter(({ event }) =>
        types.length === 0 ? event.type !== 'peer.refused' : types.includes(event.type),
      );
  }

  isWhole(): boolean {
    const live = this.nodes.filter(({ isAlive }) => isAlive);
    return live.every((node) => node.membership.peers().length === live.length - 1);
  }

  /** Milliseconds until every live node sees all others; at most `limitMs`. */
  untilWhole(limitMs: number): number {
    const fromMs = this.world.nowMs;
    while (!this.isWhole() && this.world.nowMs - fromMs < limitMs) this.run(20);
    return this.world.nowMs - fromMs;
  }
}
