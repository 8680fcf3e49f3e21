import type { Socket } from 'node:net';
import type { PeerageError } from '../../../errors/peerage-error.js';
import { formatHostPort } from '../../../naming/node-name.js';
import type { Pipe, PipeEvents } from '../frame-link.js';

const KEEP_ALIVE_MS = 15_000;
const IPV4_IN_IPV6 = /^::ffff:(?=\d+\.)/i;

/** What it means that the other side closed before it said anything, when it means more than its code. */
type ExplainSilentEnd = (error: NodeJS.ErrnoException) => PeerageError | undefined;

/** A TCP or TLS socket as a pipe. */
export class SocketPipe implements Pipe {
  readonly remoteAddress: string;
  private error: NodeJS.ErrnoException | undefined;
  private heardAnything = false;
  private isOurDoing = false;
  private events: PipeEvents | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly explain: ExplainSilentEnd,
  ) {
    this.remoteAddress = remoteAddressOf(socket);
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  attach(events: PipeEvents): void {
    this.socket.on('error', (error) => (this.error ??= error));
    this.socket.on('drain', () => events.drained());
    this.socket.on('end', () => events.ended());
    this.socket.on('close', () => this.onClose(events));
    this.events = events;
  }

  start(): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.heardAnything = true;
      this.events?.data(chunk);
    });
  }

  write(buffers: readonly Buffer[], handed?: (error?: Error | null) => void): boolean {
    const { socket } = this;
    if (buffers.length === 1) return socket.write(buffers[0]!, handed);
    socket.cork();
    const last = buffers.length - 1;
    for (let i = 0; i < last; i++) socket.write(buffers[i]!);
    const hasRoom = socket.write(buffers[last]!, handed);
    socket.uncork();
    return hasRoom;
  }

  end(): void {
    this.isOurDoing = true;
    if (!this.socket.writableEnded) this.socket.end();
  }

  destroy(): void {
    this.isOurDoing = true;
    this.socket.destroy();
  }

  private onClose(events: PipeEvents): void {
    const error = this.error ?? Object.assign(new Error('the connection was closed'), { code: 'EOF' });
    const wasToldNothing = !this.heardAnything && !this.isOurDoing;
    events.closed(error.code ?? 'EOF', wasToldNothing ? this.explain(error) : undefined);
  }
}

/** What every socket of the mesh is set to. */
export function tuneSocket(socket: Socket): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
}

/** `host:port` of the other end; an IPv4 address reached through an IPv6 socket is shown as IPv4. */
export function remoteAddressOf(socket: Socket): string {
  const host = (socket.remoteAddress ?? 'unknown').replace(IPV4_IN_IPV6, '');
  return formatHostPort(host, socket.remotePort);
}
