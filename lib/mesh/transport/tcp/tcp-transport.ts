import type { Socket } from 'node:net';
import { systemClock } from '../../../time/clock.js';
import { inRootContext } from '../../../time/root-context.js';
import { FrameLink } from '../frame-link.js';
import { silentEnd } from './socket-errors.js';
import { SocketPipe } from './socket-pipe.js';
import type { LinkSide, TcpContext, TcpTransportOptions } from './tcp-context.js';
import { TcpDialer } from './tcp-dialer.js';
import { TcpListener } from './tcp-listener.js';
import { createTlsMode } from './tls.js';
import type { Acceptor, Link, Transport } from '../transport.js';

export type { TcpTransportOptions } from './tcp-context.js';

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

  listen(acceptor: Acceptor): Promise<{ host: string; port: number }> {
    return this.listener.listen(acceptor);
  }

  dial(host: string, port: number, signal: AbortSignal, opened?: () => void): Promise<Link> {
    return this.dialer.dial(host, port, signal, opened);
  }

  reach(host: string, port: number, signal: AbortSignal): Promise<void> {
    return this.dialer.reach(host, port, signal);
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
    const pipe = new SocketPipe(socket, (error) => (dialled ? silentEnd(context.kind, error) : undefined));
    const link = new FrameLink(pipe, {
      limits: context.options.limits,
      clock: context.clock,
      defer: (callback) => void inRootContext(() => setImmediate(callback)),
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
