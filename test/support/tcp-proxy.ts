import { connect, createServer, type Server, type Socket } from 'node:net';

/** Forwards what comes to one port of 127.0.0.1 to another: a port mapping. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly to: number,
  ) {
    server.on('connection', (caller) => this.forward(caller));
  }

  static async open(from: number, to: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server, to);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(from, '127.0.0.1', resolve);
    });
    return proxy;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(caller: Socket): void {
    const target = connect(this.to, '127.0.0.1');
    for (const [socket, other] of [
      [caller, target],
      [target, caller],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
