import type { Clock } from './clock.js';
import { MemoryPipe } from './memory-pipe.js';
import { MemoryTransport, type MemoryTransportOptions } from './memory-transport.js';
import { MemoryWire, type Packet, type Route } from './memory-wire.js';

const FIRST_EPHEMERAL_PORT = 49_152;

interface Connection {
  readonly from: string;
  readonly to: string;
  readonly near: MemoryPipe;
  readonly far: MemoryPipe;
  readonly wires: readonly MemoryWire[];
}

/**
 * A network in memory, on any clock. Its nodes are named by the `host:port` they listen on (or were made
 * with), and so are the two ends of everything that is cut, delayed or refused.
 */
export class MemoryNetwork {
  private readonly listeners = new Map<string, MemoryTransport>();
  private readonly connections = new Set<Connection>();
  private readonly cuts = new Set<string>();
  private readonly delays = new Map<string, number>();
  private readonly refusing = new Set<string>();
  private groups: readonly (readonly string[])[] = [];
  private nextPort = FIRST_EPHEMERAL_PORT;

  constructor(
    readonly clock: Clock,
    /** One way, in milliseconds. */
    private readonly latencyMs = 0,
  ) {}

  createTransport(options: MemoryTransportOptions): MemoryTransport {
    return new MemoryTransport(this, options);
  }

  /** Nothing gets through between two nodes, in neither direction; it waits, as with TCP. */
  cut(a: string, b: string): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  cutOneWay(from: string, to: string): void {
    this.cuts.add(wayOf(from, to));
  }

  /** Nothing gets through between nodes of different groups. Nodes in no group reach everyone. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.groups = groups;
  }

  /** Ends every cut and partition. What has waited arrives. */
  heal(): void {
    this.cuts.clear();
    this.groups = [];
    for (const { wires } of this.connections) for (const wire of wires) wire.tick();
  }

  /** Milliseconds one way between two nodes, from now on. */
  delay(a: string, b: string, ms: number): void {
    this.delays.set(wayOf(a, b), ms);
    this.delays.set(wayOf(b, a), ms);
  }

  /** New connections to this node are refused, as if nobody listened there; links that stand stay. */
  refuse(address: string): void {
    this.refusing.add(address);
  }

  answer(address: string): void {
    this.refusing.delete(address);
  }

  /** Breaks every connection between two nodes; both see `ECONNRESET`. */
  reset(a: string, b: string): void {
    for (const connection of this.connections) {
      const isBetween = [connection.from, connection.to].includes(a) && [connection.from, connection.to].includes(b);
      if (!isBetween) continue;
      this.connections.delete(connection);
      connection.near.reset();
      connection.far.reset();
    }
  }

  /** The process at this address is gone, as by kill -9: its listener too. Its own side hears nothing. */
  crash(address: string): void {
    this.listeners.delete(address);
    for (const { from, to, near, far } of this.connections) {
      if (from === address) near.vanish();
      if (to === address) far.vanish();
    }
  }

  /** @internal */
  freePort(): number {
    return this.nextPort++;
  }

  /** @internal `false`: the address is taken. */
  register(address: string, transport: MemoryTransport): boolean {
    if (this.listeners.has(address)) return false;
    this.listeners.set(address, transport);
    return true;
  }

  /** @internal */
  unregister(address: string, transport: MemoryTransport): void {
    if (this.listeners.get(address) === transport) this.listeners.delete(address);
  }

  /** @internal Who takes calls at an address. */
  listenerAt(address: string): MemoryTransport | undefined {
    return this.refusing.has(address) ? undefined : this.listeners.get(address);
  }

  /**
   * @internal Knocks at `to`: after one way `knock` runs there with the far end, and its verdict is back here
   * after another, as `answered`.
   */
  connect<Answer>(
    from: string,
    to: string,
    callerAddress: string,
    knock: (far: MemoryPipe) => Answer,
    answered: (answer: Answer, near: MemoryPipe) => void,
  ): void {
    const near = new MemoryPipe(to, (callback) => void this.clock.after(0, callback));
    const far = new MemoryPipe(callerAddress, (callback) => void this.clock.after(0, callback));
    const wires: MemoryWire[] = [];
    let answer: Answer;
    // The first packet of each direction stands for the knock and its answer.
    const there = new MemoryWire(
      this.route(from, to),
      first(
        () => {
          answer = knock(far);
          back.send({ type: 'data', bytes: Buffer.alloc(0) });
        },
        (packet) => far.receive(packet),
      ),
      () => near.drained(),
    );
    const back = new MemoryWire(
      this.route(to, from),
      first(
        () => answered(answer, near),
        (packet) => near.receive(packet),
      ),
      () => far.drained(),
    );
    near.connectTo(there);
    far.connectTo(back);
    wires.push(there, back);
    const connection = { from, to, near, far, wires };
    this.connections.add(connection);
    there.send({ type: 'data', bytes: Buffer.alloc(0) });
  }

  private route(from: string, to: string): Route {
    return {
      clock: this.clock,
      isCut: () => this.isCut(from, to),
      latencyMs: () => this.delays.get(wayOf(from, to)) ?? this.latencyMs,
    };
  }

  private isCut(from: string, to: string): boolean {
    if (this.cuts.has(wayOf(from, to))) return true;
    const groupOf = (address: string) => this.groups.find((group) => group.includes(address));
    const [a, b] = [groupOf(from), groupOf(to)];
    return a !== undefined && b !== undefined && a !== b;
  }
}

function wayOf(from: string, to: string): string {
  return `${from} -> ${to}`;
}

/** The first packet goes to one receiver, all others to another. */
function first(receiveFirst: () => void, receive: (packet: Packet) => void): (packet: Packet) => void {
  let isFirst = true;
  return (packet) => {
    if (!isFirst) {
      receive(packet);
      return;
    }
    isFirst = false;
    receiveFirst();
  };
}
