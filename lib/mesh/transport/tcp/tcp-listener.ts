import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { describeError, PeerageError } from '../../../errors/peerage-error.js';
import { formatHostPort } from '../../../naming/node-name.js';
import { connectionKey, InboundConnection, type InboundCallHost } from './inbound-connection.js';
import { PendingHandshakes } from './pending-handshakes.js';
import type { TcpContext } from './tcp-context.js';
import type { Acceptor } from '../transport.js';

const EVERY_ADDRESS = '::';
const EVERY_IPV4_ADDRESS = '0.0.0.0';
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL']);

/** Answers the calls of other nodes. */
export class TcpListener implements InboundCallHost {
  door!: Acceptor;
  private readonly pending: PendingHandshakes<InboundConnection>;
  /** Calls in their TLS handshake, by both ends of their connection. */
  private readonly securing = new Map<string, InboundConnection>();
  private readonly tlsServer: TlsServer | undefined;
  private lastHungUp: InboundConnection | undefined;
  private server: Server | undefined;
  private isClosed = false;

  constructor(readonly context: TcpContext) {
    this.pending = new PendingHandshakes(context.options.limits.pendingHandshakes);
    this.tlsServer = this.createTlsServer();
  }

  async listen(door: Acceptor): Promise<{ host: string; port: number }> {
    this.door = door;
    const { bind, port, portIsFixed } = this.context.options;
    try {
      return await this.open(bind, port);
    } catch (error) {
      if (portIsFixed || codeOf(error) !== 'EADDRINUSE') throw listenError(error, bind, port);
    }
    return this.open(bind, 0).catch((error: unknown) => Promise.reject(listenError(error, bind, 0)));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const call of this.pending) call.drop();
    const server = this.server;
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  secure(call: InboundConnection, raw: Socket): void {
    this.securing.set(call.key, call);
    this.tlsServer?.emit('connection', raw);
  }

  hungUp(call: InboundConnection): void {
    // The TLS server says why in this turn, if it was the one who hung up: of a socket without address then.
    this.lastHungUp = call;
    setImmediate(() => {
      if (this.lastHungUp === call) this.lastHungUp = undefined;
      call.tlsFailed({ code: 'EOF' });
    });
  }

  settled(call: InboundConnection): void {
    this.pending.settled(call);
    this.securing.delete(call.key);
  }

  private async open(bind: string | undefined, port: number): Promise<{ host: string; port: number }> {
    if (bind !== undefined) return this.openAt(bind, port);
    try {
      return await this.openAt(EVERY_ADDRESS, port);
    } catch (error) {
      if (!NO_IPV6.has(codeOf(error))) throw error;
      return this.openAt(EVERY_IPV4_ADDRESS, port);
    }
  }

  private openAt(host: string, port: number): Promise<{ host: string; port: number }> {
    const server = createTcpServer((socket) => this.onConnection(socket));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      // Exclusive: workers of node:cluster would share the port otherwise, and each is a node of its own.
      server.listen({ host, port, exclusive: true }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.onAcceptError(error));
        this.server = server;
        if (this.isClosed) {
          server.close();
          reject(closedError());
          return;
        }
        const { address, port: actual } = server.address() as AddressInfo;
        resolve({ host: address, port: actual });
      });
    });
  }

  private onConnection(socket: Socket): void {
    if (this.isClosed) {
      socket.destroy();
      return;
    }
    const call = new InboundConnection(socket, this);
    if (!this.pending.admit(call)) call.evict();
  }

  /** Out of file descriptors, mostly. The listener lives on and takes callers again once it can. */
  private onAcceptError(error: Error): void {
    const { address, port } = (this.server?.address() ?? { address: 'unknown', port: 0 }) as AddressInfo;
    this.door.refused(
      formatHostPort(address, port),
      'CANNOT_LISTEN',
      `A caller could not be taken: ${describeError(error)}. Is the limit of open files (ulimit -n) too low?`,
    );
  }

  private createTlsServer(): TlsServer | undefined {
    const { tls } = this.context;
    if (!tls) return undefined;
    const callOf = (socket: TLSSocket) => this.securing.get(connectionKey(socket));
    const server = createTlsServer(tls.server((socket, error) => callOf(socket)?.keyRefused(error)));
    server.on('secureConnection', (socket) => callOf(socket)?.secured(socket));
    server.on('tlsClientError', (error, socket) =>
      (callOf(socket) ?? this.lastHungUp)?.tlsFailed(error, socket.authorizationError),
    );
    return server;
  }
}

function closedError(): PeerageError {
  return new PeerageError('NOT_RUNNING', 'The transport was closed before it listened.');
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
}

function listenError(error: unknown, bind: string | undefined, port: number): PeerageError {
  if (error instanceof PeerageError) return error;
  const code = codeOf(error);
  const address = formatHostPort(bind ?? EVERY_IPV4_ADDRESS, port);
  if (code === 'EADDRINUSE') {
    return new PeerageError(
      'PORT_IN_USE',
      `Cannot listen on ${address}: another process has the port. Stop it, choose another \`port\` (PEERAGE_PORT), or leave the port out and a free one is taken.`,
      { cause: error },
    );
  }
  const advice =
    code === 'EACCES'
      ? 'this user may not open it; choose a `port` above 1023'
      : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
        ? '`bind` is no address of this host'
        : describeError(error);
  return new PeerageError('CANNOT_LISTEN', `Cannot listen on ${address}: ${advice} (${code}).`, {
    cause: error,
  });
}
