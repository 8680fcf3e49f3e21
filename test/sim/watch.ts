import type { SimNode } from './sim-node.js';
import type { World } from './world.js';

const LOOK_EVERY_MS = 1_000;

/**
 * So long may the dead stay peers of a node that runs: the deadline, stretched fivefold by its own health at
 * the very worst.
 */
const DETECTED_MS = 4_000 * 5 + 1_500;

/** So long may two nodes that know of each other, run, and reach each other without loss, be no peers. */
const MET_MS = 7_500;

/** So long after a node began to drain, or became a peer, it is known to be leaving. */
const TOLD_MS = 7_500;

interface Process {
  readonly node: SimNode;
  readonly bootId: string;
  diedAtMs?: number;
}

/** Looks at a world all the time, for what must hold at any time. Times are virtual, so they may be bounds. */
export class Watch {
  readonly faults = new Set<string>();
  private readonly processes = new Map<string, Process>();
  /** Those that have ended. */
  private readonly dead: Process[] = [];
  private readonly running = new Map<SimNode, number>();
  /** By boot id of the observer: since when it might have met whom it does not see. */
  private readonly unmet = new Map<string, Map<string, number>>();
  /** By boot id of the observer: since when it might have heard who is leaving. */
  private readonly untold = new Map<string, Map<string, number>>();

  constructor(
    private readonly world: World,
    /** Whether every node is told of all others again and again. */
    private readonly allAreTold: boolean,
  ) {
    this.look();
  }

  private look(): void {
    const live = [...this.world.nodes.values()].filter(({ isAlive }) => isAlive);
    this.countLives(live);
    const draining = live.filter(({ drainingAtMs }) => drainingAtMs !== undefined);
    const byBootId = new Map(live.map((node) => [node.bootId, node]));
    for (const node of live) {
      if (node.isFrozen) this.running.delete(node);
      else if (!this.running.has(node)) this.running.set(node, this.world.nowMs);
      const sinceMs = this.running.get(node);
      if (sinceMs === undefined) continue;
      const deadSeen = this.lookAtDead(node, sinceMs);
      this.lookAtLeaving(node, draining, byBootId, sinceMs);
      if (this.allAreTold) this.lookAtPairs(node, live, deadSeen);
    }
    this.world.after(LOOK_EVERY_MS, () => this.look());
  }

  private countLives(live: SimNode[]): void {
    const { nowMs } = this.world;
    for (const node of live) {
      if (!this.processes.has(node.bootId)) this.processes.set(node.bootId, { node, bootId: node.bootId });
    }
    for (const process of this.processes.values()) {
      const isGone = !process.node.isAlive || process.node.bootId !== process.bootId;
      if (!isGone) continue;
      this.processes.delete(process.bootId);
      this.dead.push({ ...process, diedAtMs: nowMs });
    }
  }

  /** Returns how many of the dead the node still sees. */
  private lookAtDead(node: SimNode, sinceMs: number): number {
    let seen = 0;
    for (const { bootId, diedAtMs } of this.dead) {
      if (!node.view.has(bootId)) continue;
      seen += 1;
      if (this.world.nowMs - Math.max(diedAtMs!, sinceMs) > DETECTED_MS)
        this.faults.add(
          `${node.name} still sees ${bootId.slice(0, 4)}, dead for more than ${DETECTED_MS} ms`,
        );
    }
    return seen;
  }

  /** Who drains tells its peers, also those that come later. */
  private lookAtLeaving(
    node: SimNode,
    draining: readonly SimNode[],
    byBootId: ReadonlyMap<string, SimNode>,
    runningMs: number,
  ): void {
    for (const bootId of node.leaving) {
      const other = byBootId.get(bootId);
      if (other && other.drainingAtMs === undefined)
        this.faults.add(`${node.name} holds ${other.name} for leaving, which stays`);
    }
    for (const other of draining) {
      const isUntold = node.view.has(other.bootId) && !node.leaving.has(other.bootId);
      const sinceMs = this.since(this.untold, node, other, isUntold);
      if (sinceMs !== undefined && this.world.nowMs - Math.max(sinceMs, runningMs) > TOLD_MS)
        this.faults.add(`${node.name} does not know after ${TOLD_MS} ms that ${other.name} is leaving`);
    }
  }

  private lookAtPairs(node: SimNode, live: readonly SimNode[], deadSeen: number): void {
    const seesAll = node.view.size - deadSeen === live.length - 1;
    if (seesAll) return void this.unmet.delete(node.bootId);
    for (const other of live) {
      if (other === node) continue;
      const sinceMs = this.since(this.unmet, node, other, !node.view.has(other.bootId));
      if (sinceMs === undefined) continue;
      if (this.world.nowMs - Math.max(sinceMs, this.running.get(node)!) > MET_MS)
        this.faults.add(`${node.name} has not met ${other.name} for more than ${MET_MS} ms`);
    }
  }

  /** Since when one lacks something of the other, and nothing keeps it from getting it. */
  private since(
    all: Map<string, Map<string, number>>,
    { bootId, host }: SimNode,
    other: SimNode,
    lacks: boolean,
  ): number | undefined {
    const { world } = this;
    let times = all.get(bootId);
    const mayGet =
      lacks &&
      !other.isFrozen &&
      world.conditions.loss === 0 &&
      world.reaches(host, other.host) &&
      world.reaches(other.host, host);
    if (!mayGet) {
      times?.delete(other.bootId);
      return undefined;
    }
    if (!times) all.set(bootId, (times = new Map()));
    const sinceMs = times.get(other.bootId) ?? world.nowMs;
    times.set(other.bootId, sinceMs);
    return Math.max(sinceMs, this.running.get(other) ?? world.nowMs);
  }
}
