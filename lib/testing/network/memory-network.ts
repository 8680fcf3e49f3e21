import type { PeerageError } from '../../errors/peerage-error.js';
import type { Clock } from '../../time/clock.js';
import { MemoryPipe } from './memory-pipe.js';
import { MemoryWire, type Route } from './memory-wire.js';
import type { PreSharedKey } from '../../mesh/transport/tcp/psk.js';

const FIRST_EPHEMERAL_PORT = 49_152;

/** Who takes calls at an address of the network. */
export interface MemoryListener {
  /** Why a connection is refused; the acceptor hears of it. */
  judge(callerAddress: string, key: PreSharedKey | undefined): PeerageError | undefined;
  /** Takes a connection that `judge` had nothing against. */
  accept(pipe: MemoryPipe): void;
}

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
  private readonly listeners = new Map<string, MemoryListener>();
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
      const isBetween =
        [connection.from, connection.to].includes(a) && [connection.from, connection.to].includes(b);
      if (!isBetween) continue;
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

  freePort(): number {
    return this.nextPort++;
  }

  /** `false`: the address is taken. */
  register(address: string, listener: MemoryListener): boolean {
    if (this.listeners.has(address)) return false;
    this.listeners.set(address, listener);
    return true;
  }

  unregister(address: string, listener: MemoryListener): void {
    if (this.listeners.get(address) === listener) this.listeners.delete(address);
  }

  /** Who takes calls at an address. */
  listenerAt(address: string): MemoryListener | undefined {
    return this.refusing.has(address) ? undefined : this.listeners.get(address);
  }

  /** The two ends of a new connection: `near` is the dialer's. */
  connect(from: string, to: string, callerAddress: string): { near: MemoryPipe; far: MemoryPipe } {
    const defer = (callback: () => void) => void this.clock.after(0, callback);
    const closed = () => {
      if (near.isClosed && far.isClosed) this.connections.delete(connection);
    };
    const near = new MemoryPipe(to, defer, closed);
    const far = new MemoryPipe(callerAddress, defer, closed);
    const wires = [this.wire(from, to, near, far), this.wire(to, from, far, near)];
    const connection: Connection = { from, to, near, far, wires };
    this.connections.add(connection);
    return { near, far };
  }

  private wire(from: string, to: string, sender: MemoryPipe, receiver: MemoryPipe): MemoryWire {
    const wire = new MemoryWire(
      this.route(from, to),
      (packet) => receiver.receive(packet),
      () => sender.drained(),
    );
    sender.connectTo(wire);
    return wire;
  }

  private route(from: string, to: string): Route {
    return {
      clock: this.clock,
      isCut: () => this.isCut(from, to),
      latencyMs: () => this.delays.get(wayOf(from, to)) ?? this.latencyMs,
    };
  }

  /** Whether nothing gets through from one node to another. */
  isCut(from: string, to: string): boolean {
    if (this.cuts.has(wayOf(from, to))) return true;
    const groupOf = (address: string) => this.groups.find((group) => group.includes(address));
    const [a, b] = [groupOf(from), groupOf(to)];
    return a !== undefined && b !== undefined && a !== b;
  }
}

function wayOf(from: string, to: string): string {
  return `${from} -> ${to}`;
}
