import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { PeerageError } from '../../../errors/peerage-error.js';
import { formatHostPort } from '../../../naming/node-name.js';
import { dialAborted, dialError, dialTimeout, notAuthenticated } from './socket-errors.js';
import { tuneSocket } from './socket-pipe.js';
import { judgePlaintext } from './protocol-detection.js';
import type { TcpContext } from './tcp-context.js';
import type { TlsMode } from './tls.js';
import type { Link } from '../transport.js';

interface Target {
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
  /** Until when the connection must stand. */
  readonly deadlineMs: number;
}

/** Opens links to other nodes. */
export class TcpDialer {
  private readonly dials = new Set<Dial>();
  private isClosed = false;

  constructor(private readonly context: TcpContext) {}

  /** With the first secret, then with each other one: while secrets are changed, any that both accept will do. */
  async dial(host: string, port: number, signal: AbortSignal): Promise<Link> {
    const { tls } = this.context;
    const target = this.target(host, port, signal);
    if (!tls) return this.link(await this.connect(target));
    let refusal: unknown;
    for (const client of tls.clients) {
      try {
        return this.link(await this.connect(target, client));
      } catch (error) {
        refusal ??= error;
        if (!(error instanceof PeerageError) || error.code !== 'WRONG_SECRET') break;
      }
    }
    throw refusal;
  }

  async reach(host: string, port: number, signal: AbortSignal): Promise<void> {
    const socket = await this.connect(this.target(host, port, signal));
    socket.on('error', () => undefined);
    socket.destroy();
  }

  /** Gives up every dial; later ones are rejected. */
  close(): void {
    this.isClosed = true;
    for (const dial of [...this.dials]) dial.fail(dialAborted(dial.address));
  }

  private target(host: string, port: number, signal: AbortSignal): Target {
    const { clock, options } = this.context;
    return { host, port, signal, deadlineMs: clock.now() + options.limits.handshakeMs };
  }

  /** A connected socket; with `client`, one whose TLS handshake is over. */
  private connect(target: Target, client?: ConnectionOptions): Promise<Socket> {
    const { host, port, signal } = target;
    const address = formatHostPort(host, port);
    if (this.isClosed || signal.aborted) return Promise.reject(dialAborted(address, signal.reason));
    return new Promise((resolve, reject) => {
      const dial = new Dial(this.context, address, client, (result) => {
        this.dials.delete(dial);
        signal.removeEventListener('abort', abort);
        if (result instanceof PeerageError) reject(result);
        else resolve(result);
      });
      const abort = () => dial.fail(dialAborted(address, signal.reason));
      signal.addEventListener('abort', abort);
      this.dials.add(dial);
      dial.start(target);
    });
  }

  private link(socket: Socket): Link {
    const { limits } = this.context.options;
    return this.context.link(socket, {
      dialled: true,
      handshakeMs: limits.handshakeMs,
      ...(this.context.tls ? {} : { judgeFirst: (header) => judgePlaintext(header, limits.helloBytes) }),
    });
  }
}

/** One connection on its way: TCP, then TLS where it is wanted, within one deadline. */
class Dial {
  private socket: Socket | undefined;
  private isOver = false;
  private cancelDeadline: () => void = () => undefined;

  constructor(
    private readonly context: TcpContext,
    readonly address: string,
    private readonly client: ConnectionOptions | undefined,
    private readonly done: (result: Socket | PeerageError) => void,
  ) {}

  start({ host, port, deadlineMs }: Target): void {
    const { clock, options } = this.context;
    this.cancelDeadline = clock.after(Math.max(0, deadlineMs - clock.now()), () =>
      this.fail(dialTimeout(this.address, options.limits.handshakeMs)),
    );
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
    const { tls } = this.context;
    if (tls && this.client) this.secure(socket, tls, this.client);
    else this.succeed(socket);
  }

  private secure(raw: Socket, tls: TlsMode, client: ConnectionOptions): void {
    const socket = connectTls({ ...client, socket: raw });
    this.socket = socket;
    socket.once('error', (error) => this.fail(dialError(this.address, tls.kind, error)));
    socket.once('secureConnect', () => this.onSecure(socket, tls));
  }

  private onSecure(socket: TLSSocket, tls: TlsMode): void {
    if (this.isOver) return;
    if (tls.isAuthenticated(socket)) this.succeed(socket);
    else this.fail(notAuthenticated(this.address, tls.kind));
  }

  private succeed(socket: Socket): void {
    this.over();
    this.done(socket);
  }

  private over(): void {
    this.isOver = true;
    this.cancelDeadline();
  }
}
