import type { PeerEvent } from '../../../lib/membership/events.js';
import type { Clock } from '../../../lib/time/clock.js';
import { PeerMesh } from '../../../lib/mesh/peer-mesh.js';
import type { Link, Transport } from '../../../lib/mesh/transport/transport.js';
import type { PeerageModuleOptions, PeerageSettings } from '../../../lib/peerage.options.js';
import { settings } from '../peerage-settings.js';

/** Something to build meshes on: a network in memory with its own time, or this machine. */
export interface MeshGround {
  readonly clock: Clock;
  /** A port of 127.0.0.1 where nobody listens. */
  freePort(): Promise<number>;
  transport(settings: PeerageSettings): Transport;
  /** Another host name that leads to the listener on this port. */
  alias(port: number): string;
  /** What the other nodes see when the process of this one is gone. */
  crash(port: number, transport: Transport): Promise<void>;
  /** Takes calls on this port, and never says a word. Returns the function that ends it. */
  silence(port: number): Promise<() => Promise<void>>;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
}

/** A mesh, and everything that it said. */
export interface TestNode {
  readonly mesh: PeerMesh;
  readonly name: string;
  readonly port: number;
  readonly events: PeerEvent[];
  /** Open links, both ways, whatever their stage. */
  readonly links: () => number;
  readonly transport: Transport;
}

export type Told = Omit<PeerageModuleOptions, 'via'>;

/** Of this run only: tests that run at the same time may take over each other's ports. */
const CLUSTER = `tests ${process.pid}`;

/** Meshes on one ground; `stop` ends all of them. */
export class MeshWorld {
  readonly nodes: TestNode[] = [];

  constructor(readonly ground: MeshGround) {}

  /** A mesh that listens. */
  async start(options: Told = {}): Promise<TestNode> {
    const node = await this.make(options);
    await node.mesh.start();
    return node;
  }

  async make(options: Told = {}): Promise<TestNode> {
    const port = options.port ?? (await this.ground.freePort());
    const made = settings({ bind: '127.0.0.1', port, cluster: CLUSTER, ...options });
    const { transport, open } = counted(this.ground.transport(made));
    const mesh = new PeerMesh(made, { transport, clock: this.ground.clock });
    const events: PeerEvent[] = [];
    mesh.subscribe((event) => void events.push(event));
    const name = options.name ?? `app@127.0.0.1:${port}`;
    const node = { mesh, name, port, events, transport, links: () => open.size };
    this.nodes.push(node);
    return node;
  }

  /** Two or more meshes that are each other's peers. */
  async mesh(count: number, options: Told = {}): Promise<TestNode[]> {
    const nodes = await Promise.all(Array.from({ length: count }, () => this.start(options)));
    for (const node of nodes.slice(1)) this.tell(node, nodes[0]!);
    await this.until(() => nodes.every((node) => node.mesh.peers.length === count - 1));
    return nodes;
  }

  /** A provider of `node` lists these. */
  tell(node: TestNode, ...others: TestNode[]): void {
    void node.mesh.found(
      others.map((other) => other.name),
      { provider: 'list', as: 'answer' },
    );
  }

  async crash(node: TestNode): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    await this.ground.crash(node.port, node.transport);
    // Nothing gets out any more, and the ground may never tell it that its links are gone.
    node.mesh.stop().catch(() => {});
  }

  /** Lets time pass until something holds. */
  async until(holds: () => boolean, withinMs = 10_000): Promise<void> {
    const stepMs = 10;
    for (let passedMs = 0; !holds(); passedMs += stepMs) {
      if (passedMs > withinMs) throw new Error(`It did not come to that.\n${this.report()}`);
      await this.ground.pass(stepMs);
    }
  }

  /** Waits for a promise while time passes. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    promise.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    await this.until(() => isOver);
    return promise;
  }

  async stop(): Promise<void> {
    await this.settled(Promise.all(this.nodes.map(({ mesh }) => mesh.stop())));
  }

  /** What any test may have broken: the events of a boot id alternate, and the peers are what they tell. */
  faults(): string[] {
    return this.nodes.flatMap(({ name, events, mesh }) => {
      const up = new Set<string>();
      const faults: string[] = [];
      for (const event of events) {
        if (event.type === 'peer.up' && up.has(event.peer.bootId)) faults.push(`${name}: peer.up twice`);
        if (event.type === 'peer.down' && !up.has(event.peer.bootId))
          faults.push(`${name}: peer.down without up`);
        if (event.type === 'peer.up') up.add(event.peer.bootId);
        if (event.type === 'peer.down') up.delete(event.peer.bootId);
      }
      const peers = mesh.peers.map(({ bootId }) => bootId);
      const isTold = peers.length === up.size && peers.every((bootId) => up.has(bootId));
      return isTold
        ? faults
        : [...faults, `${name}: ${up.size} peers by its events, ${peers.length} in its list`];
    });
  }

  private report(): string {
    return this.nodes
      .map(({ name, events, mesh }) => {
        const said = events.map((event) =>
          'peer' in event ? `${event.type} ${event.peer.name}` : event.type,
        );
        return `${name}: peers ${mesh.peers.map((peer) => peer.name).join()}; events ${said.join()}`;
      })
      .join('\n');
  }
}

/** The transport, and its open links. */
function counted(transport: Transport): { transport: Transport; open: Set<Link> } {
  const open = new Set<Link>();
  const count = (link: Link): Link => {
    open.add(link);
    return new Proxy(link, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (key === 'open') {
          const opening: Link['open'] = (handlers) =>
            target.open({
              ...handlers,
              closed: (code, error) => {
                open.delete(link);
                handlers.closed(code, error);
              },
            });
          return opening;
        }
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
  return {
    open,
    transport: {
      listen: (door) => transport.listen({ ...door, accepted: (link) => door.accepted(count(link)) }),
      dial: async (host, port, signal, opened) => count(await transport.dial(host, port, signal, opened)),
      reach: (host, port, signal) => transport.reach(host, port, signal),
      close: () => transport.close(),
    },
  };
}
