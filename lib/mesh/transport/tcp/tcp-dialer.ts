import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { PeerageError } from '../../../errors/peerage-error.js';
import { formatHostPort } from '../../../naming/node-name.js';
import { dialAborted, dialError, dialTimeout, notAuthenticated } from './socket-errors.js';
import { tuneSocket } from './socket-pipe.js';
import { judgePlaintext } from './protocol-detection.js';
import type { TcpContext } from './tcp-context.js';
import type { TlsMode } from './tls.js';
import type { Link } from '../transport.js';

/** Opens links to other nodes. */
export class TcpDialer {
  private readonly dials = new Set<Dial>();
  private isClosed = false;

  constructor(private readonly context: TcpContext) {}

  dial(host: string, port: number, signal: AbortSignal): Promise<Link> {
    const address = formatHostPort(host, port);
    if (this.isClosed || signal.aborted) return Promise.reject(dialAborted(address, signal.reason));
    return new Promise((resolve, reject) => {
      const dial = new Dial(this.context, address, (result) => {
        this.dials.delete(dial);
        signal.removeEventListener('abort', abort);
        if (result instanceof PeerageError) reject(result);
        else resolve(result);
      });
      const abort = () => dial.fail(dialAborted(address, signal.reason));
      signal.addEventListener('abort', abort);
      this.dials.add(dial);
      dial.start(host, port);
    });
  }

  /** Gives up every dial; later ones are rejected. */
  close(): void {
    this.isClosed = true;
    for (const dial of [...this.dials]) dial.fail(dialAborted(dial.address));
  }
}

/** One dial: TCP, then TLS where there is any, within one deadline. */
class Dial {
  private socket: Socket | undefined;
  private isOver = false;
  private cancelDeadline: () => void = () => undefined;

  constructor(
    private readonly context: TcpContext,
    readonly address: string,
    private readonly done: (result: Link | PeerageError) => void,
  ) {}

  start(host: string, port: number): void {
    const { clock, options } = this.context;
    const { handshakeMs } = options.limits;
    this.cancelDeadline = clock.after(handshakeMs, () => this.fail(dialTimeout(this.address, handshakeMs)));
    const socket = connectTcp({ host, port });
    this.socket = socket;
    socket.once('error', (error) => this.fail(dialError(this.address, 'none', error)));
    socket.once('connect', () => this.onConnect(socket));
  }

  fail(error: PeerageError): void {
    if (this.isOver) return;
    this.over();
    const socket = this.socket;
    // A socket that is given up may still report an error, to nobody.
    socket?.on('error', () => undefined);
    socket?.destroy();
    this.done(error);
  }

  private onConnect(socket: Socket): void {
    if (this.isOver) return;
    tuneSocket(socket);
    if (this.context.tls) this.secure(socket, this.context.tls);
    else this.succeed(socket);
  }

  private secure(raw: Socket, tls: TlsMode): void {
    const socket = connectTls({ ...tls.client, socket: raw });
    this.socket = socket;
    socket.once('error', (error) => this.fail(dialError(this.address, tls.kind, error)));
    socket.once('secureConnect', () => this.onSecure(socket, tls));
  }

  private onSecure(socket: TLSSocket, tls: TlsMode): void {
    if (this.isOver) return;
    if (!tls.isAuthenticated(socket)) {
      this.fail(notAuthenticated(this.address, tls.kind));
      return;
    }
    this.succeed(socket);
  }

  private succeed(socket: Socket): void {
    const { limits } = this.context.options;
    this.over();
    const link = this.context.link(socket, {
      dialled: true,
      handshakeMs: limits.handshakeMs,
      ...(this.context.tls ? {} : { judgeFirst: (header) => judgePlaintext(header, limits.helloBytes) }),
    });
    this.done(link);
  }

  private over(): void {
    this.isOver = true;
    this.cancelDeadline();
  }
}
