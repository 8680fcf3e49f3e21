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
  private readonly running = new Map<SimNode, number>();
  private readonly meetings = new Map<string, number>();

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
    for (const node of live) {
      if (node.isFrozen) this.running.delete(node);
      else if (!this.running.has(node)) this.running.set(node, this.world.nowMs);
      this.lookAtViewOf(node, live);
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
      if (isGone) process.diedAtMs ??= nowMs;
    }
  }

  private lookAtViewOf(node: SimNode, live: SimNode[]): void {
    const sinceMs = this.running.get(node);
    if (sinceMs === undefined) return;
    for (const bootId of node.view) {
      const diedAtMs = this.processes.get(bootId)?.diedAtMs;
      if (diedAtMs === undefined) continue;
      if (this.world.nowMs - Math.max(diedAtMs, sinceMs) > DETECTED_MS)
        this.faults.add(
          `${node.name} still sees ${bootId.slice(0, 4)}, dead for more than ${DETECTED_MS} ms`,
        );
    }
    const leaving = new Set(
      node.membership.peers().flatMap(({ bootId, status }) => (status === 'leaving' ? [bootId] : [])),
    );
    for (const other of live)
      if (node.view.has(other.bootId)) this.lookAtLeaving(node, other, leaving.has(other.bootId), sinceMs);
    if (!this.allAreTold) return;
    for (const other of live) if (other !== node) this.lookAtPair(node, other, node.view.has(other.bootId));
  }

  /** Who drains tells its peers, also those that come later. */
  private lookAtLeaving(node: SimNode, other: SimNode, isLeaving: boolean, runningMs: number): void {
    const { world } = this;
    const key = `${node.bootId} ${other.bootId} leaving`;
    if (isLeaving && other.drainingAtMs === undefined)
      this.faults.add(`${node.name} holds ${other.name} for leaving, which stays`);
    const mayTell =
      other.drainingAtMs !== undefined &&
      !isLeaving &&
      !other.isFrozen &&
      world.conditions.loss === 0 &&
      world.reaches(node.host, other.host) &&
      world.reaches(other.host, node.host);
    if (!mayTell) return void this.meetings.delete(key);
    const peersMs = this.meetings.get(key) ?? world.nowMs;
    this.meetings.set(key, peersMs);
    const sinceMs = Math.max(peersMs, runningMs, this.running.get(other) ?? world.nowMs);
    if (world.nowMs - sinceMs > TOLD_MS)
      this.faults.add(`${node.name} does not know after ${TOLD_MS} ms that ${other.name} is leaving`);
  }

  private lookAtPair(node: SimNode, other: SimNode, arePeers: boolean): void {
    const { world } = this;
    const key = `${node.bootId} ${other.bootId}`;
    const mayMeet =
      !arePeers &&
      !other.isFrozen &&
      world.conditions.loss === 0 &&
      world.reaches(node.host, other.host) &&
      world.reaches(other.host, node.host);
    if (!mayMeet) return void this.meetings.delete(key);
    const reachableMs = this.meetings.get(key) ?? world.nowMs;
    this.meetings.set(key, reachableMs);
    const sinceMs = Math.max(reachableMs, this.running.get(node)!, this.running.get(other) ?? world.nowMs);
    if (world.nowMs - sinceMs > MET_MS)
      this.faults.add(`${node.name} has not met ${other.name} for more than ${MET_MS} ms`);
  }
}
