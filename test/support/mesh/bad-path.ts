import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { endTogether } from './tcp-proxy.js';

/** What a path does to all that takes it, each way. */
export interface PathFaults {
  /** Between these, at random. A stream keeps its order, datagrams do not. */
  readonly delayMs?: readonly [least: number, most: number];
  /** The share of datagrams that come twice. */
  readonly doubled?: number;
  /** The share of datagrams of which one bit is flipped. */
  readonly flipped?: number;
}

/** Forwards TCP and UDP of one port of 127.0.0.1 to another, badly. */
export class BadPath {
  /** TCP connections so far. */
  connections = 0;
  private readonly sockets = new Set<Socket>();
  private readonly callers = new Map<string, UdpSocket>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly flips = new Set<'there' | 'back'>();

  private constructor(
    private readonly server: Server,
    private readonly door: UdpSocket,
    private readonly to: number,
    private readonly faults: PathFaults,
  ) {
    server.on('connection', (caller) => this.forward(caller));
    door.on('message', (bytes, caller) => this.forwardDatagram(bytes, caller));
  }

  static async open(to: number, faults: PathFaults = {}): Promise<BadPath> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const door = createSocket('udp4').bind((server.address() as AddressInfo).port, '127.0.0.1');
    await once(door, 'listening');
    return new BadPath(server, door, to, faults);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** One bit of what next goes there, or comes back, by TCP is flipped. */
  flipNext(way: 'there' | 'back'): void {
    this.flips.add(way);
  }

  /** Whether `flipNext` was done. */
  get hasFlipped(): boolean {
    return this.flips.size === 0;
  }

  /** Takes `flipNext` back. */
  calm(): void {
    this.flips.clear();
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer);
    for (const socket of this.sockets) socket.destroy();
    for (const socket of [this.door, ...this.callers.values()]) socket.close();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(caller: Socket): void {
    this.connections += 1;
    const target = connect(this.to, '127.0.0.1');
    endTogether(this.sockets, caller, target);
    this.pass(caller, target, 'there');
    this.pass(target, caller, 'back');
  }

  private pass(from: Socket, to: Socket, way: 'there' | 'back'): void {
    // Timers of one moment may come in any order; the stream keeps its own.
    const waiting: Buffer[] = [];
    let dueAtMs = 0;
    from.on('data', (bytes) => {
      if (this.flips.delete(way)) flipBit(bytes);
      waiting.push(bytes);
      dueAtMs = Math.max(dueAtMs, performance.now() + this.delay());
      this.later(dueAtMs - performance.now(), () => to.write(waiting.shift()!));
    });
  }

  private forwardDatagram(bytes: Buffer, caller: RemoteInfo): void {
    const { port, address } = caller;
    this.harm(bytes, (each) => this.outlet(address, port).send(each, this.to, '127.0.0.1'));
  }

  /** The socket by which datagrams of one caller go on, and what is answered comes back. */
  private outlet(address: string, port: number): UdpSocket {
    const key = `${address}:${port}`;
    const known = this.callers.get(key);
    if (known) return known;
    const socket = createSocket('udp4');
    socket.on('error', () => undefined);
    socket.on('message', (bytes) => this.harm(bytes, (each) => this.door.send(each, port, address)));
    this.callers.set(key, socket);
    return socket;
  }

  private harm(bytes: Buffer, send: (bytes: Buffer) => void): void {
    const { doubled = 0, flipped = 0 } = this.faults;
    for (let copies = Math.random() < doubled ? 2 : 1; copies > 0; copies--) {
      const copy = Buffer.from(bytes);
      if (Math.random() < flipped) flipBit(copy);
      this.later(this.delay(), () => send(copy));
    }
  }

  private delay(): number {
    const [least, most] = this.faults.delayMs ?? [0, 0];
    return least + Math.random() * (most - least);
  }

  private later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms);
    this.timers.add(timer);
  }
}

function flipBit(bytes: Buffer): void {
  const at = Math.floor(Math.random() * bytes.length);
  bytes[at]! ^= 1 << Math.floor(Math.random() * 8);
}
