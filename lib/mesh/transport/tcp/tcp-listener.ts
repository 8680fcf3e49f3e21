import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { describeError, PeerageError } from '../../../errors/peerage-error.js';
import { formatHostPort } from '../../../naming/node-name.js';
import { connectionKey, InboundConnection, type InboundConnectionHost } from './inbound-connection.js';
import { PendingHandshakes } from './pending-handshakes.js';
import { socketCodeOf } from './socket-errors.js';
import type { TcpContext } from './tcp-context.js';
import type { Acceptor } from '../transport.js';

const EVERY_ADDRESS = '::';
const EVERY_IPV4_ADDRESS = '0.0.0.0';
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL']);

/** Accepts the connections of other nodes. */
export class TcpListener implements InboundConnectionHost {
  acceptor!: Acceptor;
  private readonly pending: PendingHandshakes<InboundConnection>;
  /** Connections in their TLS handshake, by both of their ends. */
  private readonly securing = new Map<string, InboundConnection>();
  private readonly tlsServer: TlsServer | undefined;
  private lastDisconnected: InboundConnection | undefined;
  private server: Server | undefined;
  private isClosed = false;

  constructor(readonly context: TcpContext) {
    this.pending = new PendingHandshakes(context.options.limits.pendingHandshakes);
    this.tlsServer = this.createTlsServer();
  }

  async listen(acceptor: Acceptor): Promise<{ host: string; port: number }> {
    this.acceptor = acceptor;
    const { bind, port, portIsFixed } = this.context.options;
    try {
      return await this.open(bind, port);
    } catch (error) {
      if (portIsFixed || socketCodeOf(error) !== 'EADDRINUSE') throw listenError(error, bind, port);
    }
    return this.open(bind, 0).catch((error: unknown) => Promise.reject(listenError(error, bind, 0)));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const connection of this.pending) connection.drop();
    const server = this.server;
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  secure(connection: InboundConnection, raw: Socket): void {
    this.securing.set(connection.key, connection);
    this.tlsServer?.emit('connection', raw);
  }

  disconnectedDuringTls(connection: InboundConnection): void {
    // The TLS server says why in this turn, if it was the one who hung up: of a socket without address then.
    this.lastDisconnected = connection;
    setImmediate(() => {
      if (this.lastDisconnected === connection) this.lastDisconnected = undefined;
      connection.tlsFailed({ code: 'EOF' });
    });
  }

  settled(connection: InboundConnection): void {
    this.pending.settled(connection);
    this.securing.delete(connection.key);
  }

  private async open(bind: string | undefined, port: number): Promise<{ host: string; port: number }> {
    if (bind !== undefined) return this.openAt(bind, port);
    try {
      return await this.openAt(EVERY_ADDRESS, port);
    } catch (error) {
      if (!NO_IPV6.has(socketCodeOf(error))) throw error;
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
    // It was reset before we came to it: nobody knows any more who that was.
    if (this.isClosed || socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const connection = new InboundConnection(socket, this);
    if (!this.pending.admit(connection)) connection.evict();
  }

  /** Out of file descriptors, mostly. The listener lives on and takes connections again once it can. */
  private onAcceptError(error: Error): void {
    const { address, port } = (this.server?.address() ?? { address: 'unknown', port: 0 }) as AddressInfo;
    this.acceptor.refused(
      formatHostPort(address, port),
      'CANNOT_LISTEN',
      `A connection could not be taken: ${describeError(error)}. Is the limit of open files (ulimit -n) too low?`,
    );
  }

  private createTlsServer(): TlsServer | undefined {
    const { tls } = this.context;
    if (!tls) return undefined;
    const connectionOf = (socket: TLSSocket) => this.securing.get(connectionKey(socket));
    const server = createTlsServer(tls.server((socket, error) => connectionOf(socket)?.keyRefused(error)));
    server.on('secureConnection', (socket) => connectionOf(socket)?.secured(socket));
    server.on('tlsClientError', (error, socket) =>
      (connectionOf(socket) ?? this.lastDisconnected)?.tlsFailed(error, socket.authorizationError),
    );
    return server;
  }
}

function closedError(): PeerageError {
  return new PeerageError('NOT_RUNNING', 'The transport was closed before it listened.');
}

function listenError(error: unknown, bind: string | undefined, port: number): PeerageError {
  if (error instanceof PeerageError) return error;
  const code = socketCodeOf(error);
  const address = formatHostPort(bind ?? EVERY_IPV4_ADDRESS, port);
  if (code === 'EADDRINUSE') {
    return new PeerageError(
      'PORT_IN_USE',
      `Cannot listen on ${address}: another process, or another app of this one, has the port. Stop it, choose another \`port\` (PEERAGE_PORT), or leave the port out and a free one is taken.`,
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
