import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { PeerageError } from '../../../errors/peerage-error.js';
import { deadline } from '../../../time/clock.js';
import type { FrameLink } from '../frame-link.js';
import { tooManyHandshakes, type PendingConnection } from './pending-handshakes.js';
import { inboundTlsError } from './socket-errors.js';
import { remoteAddressOf, tuneSocket } from './socket-pipe.js';
import { FIRST_BYTES, detectOnPlaintext, detectOnTls, MISMATCH_ALERT } from './protocol-detection.js';
import type { TcpContext } from './tcp-context.js';
import type { Acceptor } from '../transport.js';

export interface InboundConnectionHost {
  readonly context: TcpContext;
  readonly acceptor: Acceptor;
  /** Hands a socket that opened with a TLS hello to the TLS server. */
  secure(connection: InboundConnection, raw: Socket): void;
  /** The connection ended during the TLS handshake. */
  disconnectedDuringTls(connection: InboundConnection): void;
  /** The handshake of this connection is over, one way or the other. */
  settled(connection: InboundConnection): void;
}

/**
 * One inbound connection, from accept to the end of its handshake. Its first bytes are looked at before anything is spent
 * on it, so strangers are told apart and silent ones cost one socket.
 */
export class InboundConnection implements PendingConnection {
  stage: PendingConnection['stage'] = 'silent';
  readonly address: string;
  /** Both ends of the connection: no two live connections of a listener have the same. */
  readonly key: string;
  /** Why its key was not accepted, when that is known before TLS says that the handshake failed. */
  private verdict: PeerageError | undefined;
  private link: FrameLink | undefined;
  private isOver = false;
  private readonly deadlineMs: number;
  private readonly cancelDeadline: () => void;

  constructor(
    private readonly raw: Socket,
    private readonly host: InboundConnectionHost,
  ) {
    const { clock, options } = host.context;
    const { handshakeMs } = options.limits;
    this.address = remoteAddressOf(raw);
    this.key = connectionKey(raw);
    this.deadlineMs = clock.now() + handshakeMs;
    this.cancelDeadline = deadline(clock, handshakeMs, () => this.onTimeout(handshakeMs));
    raw.on('error', () => undefined);
    raw.once('close', () => this.onRawClose());
    raw.on('readable', this.onReadable);
    tuneSocket(raw);
  }

  evict(): void {
    const { pendingHandshakes } = this.host.context.options.limits;
    this.refuse(tooManyHandshakes(pendingHandshakes));
  }

  /** Ends the connection; the acceptor hears why. */
  refuse(error: PeerageError, farewell?: Buffer): void {
    if (this.isOver) return;
    this.finish();
    if (farewell) this.raw.end(farewell, () => this.raw.destroy());
    else this.raw.destroy();
    this.host.acceptor.refused(this.address, error.code, error.message);
  }

  /** Closes it without a word: the transport closes. A link is closed by its transport. */
  drop(): void {
    if (this.link || this.isOver) return;
    this.finish();
    this.raw.destroy();
  }

  keyRefused(error: PeerageError): void {
    this.verdict = error;
  }

  /** @param certificateError what is wrong with its certificate */
  tlsFailed(error: unknown, certificateError?: Error): void {
    const { kind } = this.host.context;
    this.refuse(this.verdict ?? inboundTlsError(kind, error, certificateError));
  }

  secured(socket: TLSSocket): void {
    if (this.isOver) return;
    if (this.host.context.tls?.isAuthenticated(socket)) this.accept(socket);
    else this.refuse(inboundTlsError(this.host.context.kind, new Error('not authenticated')));
  }

  private readonly onReadable = (): void => {
    const first = this.raw.read(FIRST_BYTES) as Buffer | null;
    if (first === null || this.isOver) return;
    this.raw.off('readable', this.onReadable);
    this.stage = 'speaking';
    const { tls, options } = this.host.context;
    const stranger = (tls ? detectOnTls : detectOnPlaintext)(first, options.limits.helloBytes);
    if (stranger) {
      // Who only lacks the right kind of security gets a sign that both kinds understand.
      this.refuse(stranger, stranger.code === 'SECURITY_MISMATCH' ? MISMATCH_ALERT : undefined);
      return;
    }
    this.raw.unshift(first);
    if (tls) this.host.secure(this, this.raw);
    else this.accept(this.raw);
  };

  private accept(socket: Socket): void {
    const { clock } = this.host.context;
    this.stage = 'proved';
    this.cancelDeadline();
    this.link = this.host.context.link(socket, {
      dialled: false,
      handshakeMs: Math.max(0, this.deadlineMs - clock.now()),
      settled: () => this.finish(),
    });
    this.host.acceptor.accepted(this.link);
  }

  private onTimeout(handshakeMs: number): void {
    const did = this.stage === 'silent' ? 'said nothing' : 'did not finish the handshake';
    const why = 'no peerage node, or what it says is lost on the way';
    this.refuse(new PeerageError('HANDSHAKE_TIMEOUT', `It ${did} within ${handshakeMs} ms: ${why}.`));
  }

  /** It hung up. Before it said anything that is a port scan or a health check, and nobody's business. */
  private onRawClose(): void {
    if (this.link || this.isOver) return;
    if (this.stage === 'silent') this.finish();
    else this.host.disconnectedDuringTls(this);
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.cancelDeadline();
    this.host.settled(this);
  }
}

export function connectionKey(socket: Socket): string {
  return [socket.remoteAddress, socket.remotePort, socket.localAddress, socket.localPort].join(' ');
}
