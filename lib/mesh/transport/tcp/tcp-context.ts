import type { Socket } from 'node:net';
import type { LimitOptions, Security } from '../../../peerage.options.js';
import type { Clock } from '../../../time/clock.js';
import type { FrameLink, FrameLinkOptions } from '../frame-link.js';
import type { TlsMode } from './tls.js';

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
