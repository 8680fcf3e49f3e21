import type { ClusterEventType } from 'nestjs-peerage';
import type { NodeConfig } from '../../programs/node-config.js';
import {
  Cluster,
  type ClusterNode,
  fullMesh,
  type NodeOptions,
  SECRET,
  type Seen,
  until,
} from '../processes/cluster.js';
import type { Host, Lab } from './net-lab.js';
import { Turns } from './net-turns.js';

const MEMBERSHIP: readonly ClusterEventType[] = ['peer.up', 'peer.down', 'peer.degraded', 'peer.recovered'];

/** The port of every node: each has a host of its own. */
export const PORT = 4370;

/** A busy machine may take this long to start a node. */
const START_MS = 120_000;

/** Processes that start are hungry: of all scenarios, so many do at once. */
const starting = new Turns(4);

/** How many events each node had seen at some moment. */
export type Mark = ReadonlyMap<ClusterNode, number>;

/** One node on each host of a lab, all told of all. */
export class LabNodes {
  /** By the number of its host. */
  readonly nodes: ClusterNode[] = [];
  private readonly cluster = new Cluster();

  constructor(
    readonly lab: Lab,
    private readonly more: NodeConfig = {},
    private readonly optionsOf: (index: number) => NodeOptions = () => ({}),
  ) {}

  get hosts(): readonly Host[] {
    return this.lab.hosts;
  }

  /** Starts a node on every host, and waits until they are a mesh. */
  async start(): Promise<void> {
    await Promise.all(this.hosts.map((_, i) => starting.next(() => this.startNode(i))));
    await fullMesh(this.nodes, START_MS);
  }

  /** Starts a process for a host; `held`: one that listens when `open` is called. */
  launch(index: number, more: NodeConfig = {}): ClusterNode {
    const host = this.hosts[index]!;
    const list = this.hosts.map(({ address }) => `app@${address}`);
    const via = [{ list }];
    const config = { appName: 'app', secret: SECRET, host: host.address, port: PORT, via };
    return this.cluster.launch(
      { ...config, ...this.more, ...more },
      { ...this.optionsOf(index), namespace: host.namespace },
    );
  }

  /** A process that is loaded and waits to be told to listen. */
  async hold(index: number): Promise<ClusterNode> {
    const node = this.launch(index, { held: true });
    await node.message(({ type }) => type === 'held');
    return node;
  }

  /** Lets a held process listen in the place of the one that was on its host. */
  async open(index: number, node: ClusterNode): Promise<void> {
    await node.run('start');
    await node.started();
    this.nodes[index] = node;
  }

  private async startNode(index: number): Promise<void> {
    const node = this.launch(index);
    this.nodes[index] = node;
    await node.started(START_MS);
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
  }

  mark(): Mark {
    return new Map(this.nodes.map((node) => [node, node.events.length]));
  }

  others(of: ClusterNode): ClusterNode[] {
    return this.nodes.filter((node) => node !== of);
  }

  /** Waits until every node has every other one as its peer. */
  whole(timeoutMs?: number): Promise<void> {
    return fullMesh(this.nodes, timeoutMs);
  }
}

/** What was seen about a peer by one node after a mark. */
export function seenBy<T extends ClusterEventType>(
  node: ClusterNode,
  since: Mark,
  type: T,
  about?: ClusterNode | string,
): Seen<T>[] {
  const bootId = typeof about === 'object' ? about.bootId : about;
  return node
    .ofType(type, since.get(node) ?? 0)
    .filter((event) => bootId === undefined || ('peer' in event && event.peer.bootId === bootId));
}

/** `peer.up`, `peer.down`, `peer.degraded` and `peer.recovered` after a mark, for people. */
export function lifeSince(nodes: readonly ClusterNode[], since: Mark): string[] {
  return nodes.flatMap((node) =>
    node.events
      .slice(since.get(node) ?? 0)
      .filter(({ type }) => MEMBERSHIP.includes(type))
      .map((event) =>
        `${node.name}: ${event.type} ${'peer' in event ? event.peer.name : ''} ${whyOf(event)}`.trim(),
      ),
  );
}

/** How often somebody was said to be down. */
export function countDowns(nodes: readonly ClusterNode[], since: Mark): number {
  return nodes.reduce((sum, node) => sum + seenBy(node, since, 'peer.down').length, 0);
}

/** Waits until each of `observers` says this of `about`. Returns how long after `fromMs` each did. */
export async function delaysOf(
  type: 'peer.up' | 'peer.down' | 'peer.degraded' | 'peer.recovered',
  about: ClusterNode | string,
  observers: readonly ClusterNode[],
  { since, fromMs, timeoutMs = 20_000 }: { since: Mark; fromMs: number; timeoutMs?: number },
): Promise<number[]> {
  const first = (node: ClusterNode) => seenBy(node, since, type, about)[0];
  await until(
    () => observers.every((node) => first(node) !== undefined),
    () => `${type} is missing; seen: ${JSON.stringify(lifeSince(observers, since), null, 1)}`,
    timeoutMs,
  );
  return observers.map((node) => first(node)!.atMs - fromMs);
}

/**
 * The `peer.down` events that came later than `boundMs` after `fromMs`, for people. A node whose own loop was
 * late distrusts its timers, begins to wait anew and says so in the evidence: on a machine that is shared with
 * others that happens, and such a node has twice the time.
 */
export function lateDowns(
  nodes: readonly ClusterNode[],
  since: Mark,
  { fromMs, boundMs }: { fromMs: number; boundMs: number },
): string[] {
  return nodes.flatMap((node) =>
    seenBy(node, since, 'peer.down')
      .filter(({ atMs, evidence }) => atMs - fromMs > boundMs * (evidence.ownLagMs > 0 ? 2 : 1))
      .map((event) => `${node.name}: ${event.peer.name} after ${event.atMs - fromMs} ms ${whyOf(event)}`),
  );
}

/** Waits for the mesh to be whole again. Returns how long after `fromMs` the last peer was up. */
export async function healedAfter(
  nodes: LabNodes,
  { since, fromMs, timeoutMs = 30_000 }: { since: Mark; fromMs: number; timeoutMs?: number },
): Promise<number> {
  await nodes.whole(timeoutMs);
  const ups = nodes.nodes.flatMap((node) => seenBy(node, since, 'peer.up').map(({ atMs }) => atMs));
  return Math.max(fromMs, ...ups) - fromMs;
}

function whyOf(event: unknown): string {
  const { reason, evidence, lagMs } = event as { reason?: string; evidence?: unknown; lagMs?: number };
  return [reason, evidence === undefined ? '' : JSON.stringify(evidence), lagMs].filter(Boolean).join(' ');
}
