import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import {
  createTcpTransport,
  type TcpTransportOptions,
} from '../../../lib/mesh/transport/tcp/tcp-transport.js';
import type { Transport } from '../../../lib/mesh/transport/transport.js';
import { DEFAULT_LIMITS, type LimitOptions } from '../../../lib/peerage.options.js';
import { RecordedAcceptor, RecordedLink } from './recorded-link.js';

export const LOOPBACK = '127.0.0.1';
export const SECRET = 'a secret that is long enough';

export type TcpWish = Omit<Partial<TcpTransportOptions>, 'limits'> & {
  readonly limits?: Partial<LimitOptions>;
};

export const withSecret = (...secrets: string[]) => ({ kind: 'secret', secrets }) as const;

/** A transport on loopback, closed when the test is over. */
export function tcpTransport({ limits, ...wish }: TcpWish = {}): Transport {
  const transport = createTcpTransport({
    bind: LOOPBACK,
    port: 0,
    portIsFixed: false,
    security: withSecret(SECRET),
    cluster: 'test',
    ...wish,
    limits: { ...DEFAULT_LIMITS, ...limits },
  });
  onTestFinished(() => transport.close());
  return transport;
}

/** A transport that listens. */
export async function tcpNode(wish: TcpWish = {}) {
  const door = new RecordedAcceptor();
  const transport = tcpTransport(wish);
  const { port, host } = await transport.listen(door);
  return { door, transport, port, host };
}

export async function dialTcp(port: number, wish: TcpWish = {}, host = LOOPBACK): Promise<RecordedLink> {
  return new RecordedLink(await tcpTransport(wish).dial(host, port, new AbortController().signal));
}

/** The error of a dial that must fail. */
export async function dialFailure(port: number, wish: TcpWish = {}, host = LOOPBACK) {
  const result = await dialTcp(port, wish, host).catch((error: unknown) => error);
  if (result instanceof RecordedLink) throw new Error('the dial succeeded');
  return result as { readonly code: string; readonly message: string };
}

/** A stranger's socket, destroyed when the test is over; `received` is what it was told until the end. */
export function stranger(port: number): { readonly socket: Socket; readonly received: Promise<Buffer> } {
  const socket = connect(port, LOOPBACK);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const received = new Promise<Buffer>((resolve) => socket.on('close', () => resolve(Buffer.concat(chunks))));
  return { socket, received };
}
