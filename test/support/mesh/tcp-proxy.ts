import { connect, createServer, type Server, type Socket } from 'node:net';

/** Forwards what comes to one port of 127.0.0.1 to another: a port mapping, or a path that can be cut. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  /** Connections so far. */
  taken = 0;

  private constructor(
    private readonly server: Server,
    private to: number,
    private readonly delayMs: number,
  ) {
    server.on('connection', (caller) => this.forward(caller));
  }

  /** `delayMs`: how long each way takes. */
  static async open(from: number, to: number, delayMs = 0): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server, to, delayMs);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(from, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** Breaks every connection; new ones are taken. Returns how many there were. */
  reset(): number {
    const broken = [...this.sockets];
    for (const socket of broken) socket.resetAndDestroy();
    return broken.length / 2;
  }

  /** Nothing comes through the connections of now any more, and neither end is told. New ones work. */
  blackHole(): void {
    for (const socket of this.sockets) {
      socket.unpipe();
      for (const event of ['data', 'end']) socket.removeAllListeners(event);
      socket.resume();
    }
  }

  /** New connections lead to another port; those of now stay where they are. */
  leadTo(port: number): void {
    this.to = port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(caller: Socket): void {
    this.taken += 1;
    const target = connect(this.to, '127.0.0.1');
    endTogether(this.sockets, caller, target);
    this.join(caller, target);
    this.join(target, caller);
  }

  private join(from: Socket, to: Socket): void {
    if (this.delayMs === 0) return void from.pipe(to);
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), this.delayMs));
    from.on('end', () => setTimeout(() => to.end(), this.delayMs));
  }
}

/** Keeps two sockets among those that are open: when one closes, so does the other. */
export function endTogether(open: Set<Socket>, one: Socket, two: Socket): void {
  for (const [socket, other] of [
    [one, two],
    [two, one],
  ] as const) {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open.delete(socket);
      other.destroy();
    });
  }
}
