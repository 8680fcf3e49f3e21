import type { Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { PeerageError } from '../../../errors/peerage-error.js';
import { formatHostPort } from '../../../naming/node-name.js';
import { onAbort } from '../../../time/abortable.js';
import { deadline } from '../../../time/clock.js';
import { ConnectAny } from './connect-any.js';
import { dialAborted, dialError, dialTimeout, notAuthenticated } from './socket-errors.js';
import { tuneSocket } from './socket-pipe.js';
import { detectOnPlaintext } from './protocol-detection.js';
import type { TcpContext } from './tcp-context.js';
import type { TlsMode } from './tls.js';
import type { Link } from '../transport.js';

/** TLS 1.3 with a key of both sides takes two round trips; connecting took one. The rest is for a busy other side. */
const HANDSHAKE_ROUND_TRIPS = 4;

interface Target {
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
  /** Which address of a host that has several is tried first. */
  readonly turn: number;
  /** Until when the connection must stand. */
  readonly deadlineMs: number;
  /** Called when the connection stands. */
  readonly opened?: (() => void) | undefined;
}

/** Opens links to other nodes. */
export class TcpDialer {
  private readonly dials = new Set<Dial>();
  private turn = 0;
  private isClosed = false;

  constructor(private readonly context: TcpContext) {}

  /** With the first secret, then with each other one: while secrets are changed, any that both accept will do. */
  async dial(host: string, port: number, signal: AbortSignal, opened?: () => void): Promise<Link> {
    const { tls } = this.context;
    const target = { ...this.target(host, port, signal), opened };
    if (!tls) return this.link(await this.connect(target));
    let refusal: unknown;
    for (const client of tls.clients) {
      try {
        return this.link(await this.connect(target, client));
      } catch (error) {
        refusal ??= error;
        if (!isWrongSecret(error)) break;
      }
    }
    throw isWrongSecret(refusal) ? withFingerprints(refusal, tls.secrets) : refusal;
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
    this.turn += 1;
    return { host, port, signal, turn: this.turn, deadlineMs: clock.now() + options.limits.handshakeMs };
  }

  /** A connected socket; with `client`, one whose TLS handshake is over. */
  private connect(target: Target, client?: ConnectionOptions): Promise<Socket> {
    const { host, port, signal } = target;
    const address = formatHostPort(host, port);
    if (this.isClosed || signal.aborted) return Promise.reject(dialAborted(address, signal.reason));
    return new Promise((resolve, reject) => {
      const dial = new Dial(this.context, address, client, (result) => {
        this.dials.delete(dial);
        endWaiting();
        if (result instanceof PeerageError) reject(result);
        else resolve(result);
      });
      const endWaiting = onAbort(signal, () => dial.fail(dialAborted(address, signal.reason)));
      this.dials.add(dial);
      dial.start(target);
    });
  }

  private link(socket: Socket): Link {
    const { limits } = this.context.options;
    return this.context.link(socket, {
      dialled: true,
      handshakeMs: limits.handshakeMs,
      ...(this.context.tls ? {} : { judgeFirst: (header) => detectOnPlaintext(header, limits.helloBytes) }),
    });
  }
}

/** One connection on its way: TCP, then TLS where it is wanted, within one deadline. */
class Dial {
  private connecting: ConnectAny | undefined;
  private socket: Socket | undefined;
  private isOver = false;
  private cancelDeadline: () => void = () => undefined;

  constructor(
    private readonly context: TcpContext,
    readonly address: string,
    private readonly client: ConnectionOptions | undefined,
    private readonly done: (result: Socket | PeerageError) => void,
  ) {}

  start({ host, port, turn, deadlineMs, opened }: Target): void {
    const { clock } = this.context;
    const startedAtMs = clock.now();
    const withinMs = Math.max(0, deadlineMs - startedAtMs);
    this.endIn(withinMs);
    this.connecting = new ConnectAny({
      host,
      port,
      turn,
      withinMs,
      clock,
      connected: (socket) => {
        socket.once('error', (error) => this.fail(dialError(this.address, 'none', error)));
        this.allowRoundTrips(clock.now() - startedAtMs, deadlineMs - clock.now());
        opened?.();
        this.onConnect(socket);
      },
      failed: (error) => this.fail(dialError(this.address, 'none', error)),
    });
  }

  fail(error: PeerageError): void {
    if (this.isOver) return;
    this.over();
    this.connecting?.cancel();
    const socket = this.socket;
    // A socket that is given up may still report an error, to nobody.
    socket?.on('error', () => undefined);
    socket?.destroy();
    this.done(error);
  }

  private onConnect(socket: Socket): void {
    this.socket = socket;
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

  /** Where connecting took long, the handshake takes long, too. */
  private allowRoundTrips(connectMs: number, leftMs: number): void {
    const neededMs = Math.min(HANDSHAKE_ROUND_TRIPS * connectMs, this.context.options.limits.handshakeMs);
    if (neededMs > leftMs) this.endIn(neededMs);
  }

  private endIn(ms: number): void {
    const { clock, options } = this.context;
    this.cancelDeadline();
    const { handshakeMs } = options.limits;
    this.cancelDeadline = deadline(clock, ms, () =>
      this.fail(
        this.connecting?.isLookingUp
          ? lookupTimeout(this.address, handshakeMs)
          : dialTimeout(this.address, handshakeMs),
      ),
    );
  }

  private over(): void {
    this.isOver = true;
    this.cancelDeadline();
  }
}

/** The time was over before the host name was resolved: nothing has been dialled yet. */
function lookupTimeout(address: string, ms: number): PeerageError {
  return new PeerageError(
    'HOST_NOT_FOUND',
    `Cannot connect to ${address}: its host name was not resolved within ${ms} ms. Do the name servers answer?`,
  );
}

function isWrongSecret(error: unknown): error is PeerageError {
  return error instanceof PeerageError && error.code === 'WRONG_SECRET';
}

/** The other side cannot tell us which secret it has; its log does. */
function withFingerprints({ code, message, cause }: PeerageError, secrets: readonly string[]): PeerageError {
  const ours = `The secret of this node is ${secrets.join(', then ')} (fingerprint); that of the other side is in its log.`;
  return new PeerageError(code, `${message} ${ours}`, { cause });
}
