import { Messaging } from '../../../lib/messaging/messaging.js';
import type { MessageContext } from '../../../lib/messaging/message.types.js';
import type { Tracing } from '../../../lib/messaging/tracing.js';
import { MemoryNetwork } from '../../../lib/testing/network/memory-network.js';
import { createMemoryTransport } from '../../../lib/testing/network/memory-transport.js';
import { MeshWorld, type TestNode, type Told } from './mesh-world.js';
import { VirtualClock } from '../virtual-clock.js';

const LATENCY_MS = 1;

/** A node with messages, and what it logged. */
export interface TalkingNode extends TestNode {
  readonly messaging: Messaging;
  readonly warnings: string[];
  readonly errors: string[];
}

/** What a handler was called with. */
export interface Received<T = unknown> {
  readonly data: T;
  readonly context: MessageContext;
}

/** Nodes that talk to each other through a network in memory, in virtual time. */
export class MessageWorld {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork(this.clock, LATENCY_MS);
  private readonly world = new MeshWorld({
    clock: this.clock,
    freePort: async () => this.network.freePort(),
    transport: ({ host, port, cluster, limits }) =>
      createMemoryTransport(this.network, { host, port, cluster, limits, portIsFixed: true }),
    alias: () => {
      throw new Error('there is no alias here');
    },
    crash: async (port) => this.network.crash(`127.0.0.1:${port}`),
    silence: async () => async () => undefined,
    pass: (ms) => this.clock.advanceAsync(ms),
  });

  /** So many nodes, each a peer of all others. */
  async nodes(count: number, options: Told = {}, tracing?: Tracing): Promise<TalkingNode[]> {
    return this.meet(await Promise.all(Array.from({ length: count }, () => this.node(options, tracing))));
  }

  /** A node with each of these options, each a peer of all others. */
  async nodesOf(...options: Told[]): Promise<TalkingNode[]> {
    return this.meet(await Promise.all(options.map((each) => this.node(each))));
  }

  async meet(nodes: TalkingNode[]): Promise<TalkingNode[]> {
    for (const node of nodes) await node.mesh.start();
    for (const node of nodes.slice(1)) this.world.tell(node, nodes[0]!);
    await this.until(() => nodes.every((node) => node.mesh.peers.length === nodes.length - 1));
    return nodes;
  }

  async node(options: Told = {}, tracing?: Tracing): Promise<TalkingNode> {
    const node = await this.world.make(options);
    const warnings: string[] = [];
    const errors: string[] = [];
    const log = {
      warn: (message: string) => void warnings.push(message),
      error: (message: string) => void errors.push(message),
    };
    const parts = { mesh: node.mesh, clock: this.clock, log };
    const messaging = new Messaging(tracing ? { ...parts, tracing: Promise.resolve(tracing) } : parts);
    return { ...node, messaging, warnings, errors };
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  until(holds: () => boolean, withinMs?: number): Promise<void> {
    return this.world.until(holds, withinMs);
  }

  /** The result of a promise, while time passes. */
  settled<T>(promise: Promise<T>): Promise<T> {
    return this.world.settled(promise);
  }

  /** What a promise rejects with, while time passes. */
  async rejection(promise: Promise<unknown>): Promise<unknown> {
    return this.settled(
      promise.then(
        (value) => {
          throw new Error(`it resolved to ${String(value)}`);
        },
        (error: unknown) => error,
      ),
    );
  }

  crash(node: TestNode): Promise<void> {
    return this.world.crash(this.world.nodes.find(({ mesh }) => mesh === node.mesh)!);
  }

  async stop(): Promise<void> {
    this.network.heal();
    await this.world.stop();
  }
}

/** Keeps what comes on a topic. */
export function collect<T = unknown>({ messaging }: TalkingNode, topic: string): Received<T>[] {
  const received: Received<T>[] = [];
  messaging.handle(topic, (data: T, context) => void received.push({ data, context }));
  return received;
}

export function addressOf({ port }: TestNode): string {
  return `127.0.0.1:${port}`;
}
