import type { Socket } from 'node:net';
import type { LimitOptions, Security } from '../peerage.options.js';
import { systemClock, type Clock } from './clock.js';
import { FrameLink, type FrameLinkOptions } from './frame-link.js';
import { explainLinkError } from './socket-errors.js';
import { SocketPipe } from './socket-pipe.js';
import { TcpDialer } from './tcp-dialer.js';
import { TcpListener } from './tcp-listener.js';
import { createTlsMode, type TlsMode } from './tls.js';
import type { Door, Link, Transport } from './transport.js';

export interface TcpTransportOptions {
  /** Listen address; undefined: every address, IPv4 and IPv6. */
  readonly bind?: string;
  /** 0: a free one. */
  readonly port: number;
  /** A fixed port that is busy is an error; another one is replaced by a free port. */
  readonly portIsFixed: boolean;
  readonly security: Security;
  /** Label of the cluster, a part of the key. */
  readonly cluster: string;
  readonly limits: LimitOptions;
  readonly clock?: Clock;
}

/** What the listener and the dialer share. */
export interface TcpContext {
  readonly options: TcpTransportOptions;
  readonly clock: Clock;
  readonly kind: Security['kind'];
  readonly tls: TlsMode | undefined;
  /** Makes the link on an authenticated socket, and ends it when the transport closes. */
  link(socket: Socket, side: LinkSide): FrameLink;
}

export type LinkSide = Pick<FrameLinkOptions, 'handshakeMs' | 'judgeFirst' | 'settled'> & {
  readonly dialled: boolean;
};

/**
 * Links over TCP, protected as `security` says.
 *
 * @throws PeerageError `INVALID_OPTIONS` when the certificates of `security` cannot be used.
 */
export function createTcpTransport(options: TcpTransportOptions): Transport {
  return new TcpTransport(options);
}

class TcpTransport implements Transport {
  private readonly links = new Set<FrameLink>();
  private readonly listener: TcpListener;
  private readonly dialer: TcpDialer;
  private closing: Promise<void> | undefined;
  private lastIsGone: (() => void) | undefined;

  constructor(options: TcpTransportOptions) {
    const { security, cluster } = options;
    const context: TcpContext = {
      options,
      clock: options.clock ?? systemClock,
      kind: security.kind,
      tls: security.kind === 'none' ? undefined : createTlsMode(security, cluster),
      link: (socket, side) => this.link(context, socket, side),
    };
    this.listener = new TcpListener(context);
    this.dialer = new TcpDialer(context);
  }

  listen(door: Door): Promise<{ host: string; port: number }> {
    return this.listener.listen(door);
  }

  dial(host: string, port: number, signal: AbortSignal): Promise<Link> {
    return this.dialer.dial(host, port, signal);
  }

  close(): Promise<void> {
    return (this.closing ??= this.closeAll());
  }

  private async closeAll(): Promise<void> {
    this.dialer.close();
    const listenerIsClosed = this.listener.close();
    for (const link of this.links) link.end();
    if (this.links.size > 0) await new Promise<void>((resolve) => (this.lastIsGone = resolve));
    await listenerIsClosed;
  }

  private link(context: TcpContext, socket: Socket, { dialled, ...side }: LinkSide): FrameLink {
    const pipe = new SocketPipe(socket, (error, heardAnything) =>
      dialled ? explainLinkError(context.kind, error, heardAnything) : undefined,
    );
    const link = new FrameLink(pipe, {
      limits: context.options.limits,
      clock: context.clock,
      defer: setImmediate,
      gone: () => this.onGone(link),
      ...side,
    });
    this.links.add(link);
    return link;
  }

  private onGone(link: FrameLink): void {
    this.links.delete(link);
    if (this.links.size === 0) this.lastIsGone?.();
  }
}
