import { SimCluster } from '../sim-cluster.js';
import type { SimNode } from '../sim-node.js';
import type { World } from '../world.js';

/** A process that somebody should miss from some moment on. */
export interface Loss {
  readonly observer: SimNode;
  /** Of the observer's process: after its restart nobody is missed. */
  readonly incarnation: number;
  readonly gone: string;
}

/** A down that nothing in the world stands for. */
export interface FalseDown {
  readonly atMs: number;
  readonly observer: string;
  readonly about: string;
  readonly reason: string;
}

/** A process that is read, and judged, late may still speak of what was true a moment ago. */
const GRACE_MS = 1_000;

/** A virtual cluster with one node that has troubles of its own, and the truth about who is gone from whom. */
export class Ground {
  readonly cluster: SimCluster;
  readonly falseDowns: FalseDown[] = [];
  /** Whom no restart takes. */
  readonly spared = new Set<SimNode>();
  /** Whether packets of one host reach another, where nothing was done on purpose. */
  private base: (from: string, to: string) => boolean = () => true;
  private readonly cuts = new Set<(from: string, to: string) => boolean>();
  private readonly ends = new Map<string, number>();
  /** By observer and boot id: when it was last told that this process is down. */
  private readonly told = new Map<string, number>();
  private readonly stops = new Map<string, { fromMs: number; untilMs: number }>();

  /** `before` is called when the nodes exist, and before they start. */
  constructor(nodes: number, seed: number, settleMs: number, before?: (ground: Ground) => void) {
    this.cluster = new SimCluster(nodes, seed, false);
    this.world.keepsTimeline = false;
    before?.(this);
    this.cluster.start(settleMs);
  }

  get world(): World {
    return this.cluster.world;
  }

  /** The one whose circumstances are special. */
  get odd(): SimNode {
    return this.cluster.nodes[0]!;
  }

  /** So many different live nodes, without the odd one. */
  pick(count: number): SimNode[] {
    const others = this.cluster.nodes.filter((node) => node !== this.odd && node.isAlive);
    const chosen: SimNode[] = [];
    while (chosen.length < count && others.length > 0)
      chosen.push(...others.splice(Math.floor(this.world.random() * others.length), 1));
    return chosen;
  }

  run(ms: number): void {
    this.cluster.run(ms);
    this.judge();
  }

  /** From now on such packets are lost. Returns how to end that. */
  cut(isLost: (from: string, to: string) => boolean): () => void {
    this.cuts.add(isLost);
    this.draw();
    return () => {
      this.cuts.delete(isLost);
      this.draw();
    };
  }

  /** Packets that never got through, from the beginning. */
  never(isLost: (from: string, to: string) => boolean): void {
    this.base = (from, to) => !isLost(from, to);
    this.draw();
  }

  vanish(node: SimNode): void {
    this.ends.set(node.bootId, this.world.nowMs);
    node.vanish();
  }

  leave(node: SimNode): void {
    this.ends.set(node.bootId, this.world.nowMs);
    node.leave();
  }

  stop(node: SimNode): void {
    this.stops.set(node.bootId, { fromMs: this.world.nowMs, untilMs: Number.POSITIVE_INFINITY });
    node.freeze();
  }

  goOn(node: SimNode): void {
    this.stops.set(node.bootId, { ...this.stops.get(node.bootId)!, untilMs: this.world.nowMs });
    node.thaw();
  }

  /** Who of the observers has each of `gone` as a peer, and should miss it. */
  losses(observers: readonly SimNode[], gone: readonly SimNode[]): Loss[] {
    return observers.flatMap((observer) =>
      gone
        .filter(({ bootId }) => observer !== undefined && observer.isAlive && observer.view.has(bootId))
        .map(({ bootId }) => ({ observer, incarnation: observer.incarnation, gone: bootId })),
    );
  }

  /** Milliseconds until all who can reach each other are peers; at most `limitMs`. */
  untilWhole(limitMs: number): number {
    const fromMs = this.world.nowMs;
    while (!this.isWhole() && this.world.nowMs - fromMs < limitMs) this.run(50);
    return this.world.nowMs - fromMs;
  }

  private isWhole(): boolean {
    const live = this.cluster.nodes.filter(({ isAlive, isFrozen }) => isAlive && !isFrozen);
    return live.every((node) =>
      live.every(
        (other) => other === node || node.view.has(other.bootId) || !this.areJoined(node.host, other.host),
      ),
    );
  }

  private areJoined(a: string, b: string): boolean {
    return this.world.reaches(a, b) && this.world.reaches(b, a);
  }

  private draw(): void {
    const { base } = this;
    const cuts = [...this.cuts];
    this.world.reaches = (from, to) => base(from, to) && !cuts.some((isLost) => isLost(from, to));
  }

  /** Looks at what the apps were told since the last time. */
  private judge(): void {
    for (const { node, event, atMs } of this.cluster.events('peer.down')) {
      if (event.type !== 'peer.down') continue;
      const { bootId, name } = event.peer;
      this.told.set(`${node.name} ${bootId}`, atMs);
      if (!this.isTrue(node, bootId, atMs))
        this.falseDowns.push({ atMs, observer: node.name, about: name, reason: event.reason });
    }
    this.cluster.forgetEvents();
  }

  /** When the observer was told so, if it was at `sinceMs` or later. */
  toldAt({ observer, gone }: Loss, sinceMs: number): number | undefined {
    const atMs = this.told.get(`${observer.name} ${gone}`);
    return atMs !== undefined && atMs >= sinceMs ? atMs : undefined;
  }

  private isTrue(observer: SimNode, bootId: string, atMs: number): boolean {
    if (this.ends.has(bootId)) return true;
    if (this.stoodStill(bootId, atMs) && !this.sleptAsLong(observer, bootId)) return true;
    const other = this.cluster.nodes.find((node) => node.bootId === bootId);
    return other === undefined || !this.areJoined(observer.host, other.host);
  }

  private stoodStill(bootId: string, atMs: number): boolean {
    const stop = this.stops.get(bootId);
    if (!stop || atMs > stop.untilMs + GRACE_MS) return false;
    return Math.min(atMs, stop.untilMs) - stop.fromMs > GRACE_MS;
  }

  /** Who stood still itself all that time has seen nothing of it. */
  private sleptAsLong(observer: SimNode, bootId: string): boolean {
    const own = this.stops.get(observer.bootId);
    const other = this.stops.get(bootId)!;
    return own !== undefined && own.fromMs <= other.fromMs && own.untilMs > other.fromMs + GRACE_MS;
  }
}
