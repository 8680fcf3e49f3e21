import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import type { Socket } from 'node:net';
import { connect as connectTcp, isIP } from 'node:net';
import type { Clock } from '../../../time/clock.js';

/** The next address is tried when the ones before have had this long, as RFC 8305 advises. */
const NEXT_ATTEMPT_MS = 250;

/** All attempts have begun after this share of the time, so that the last one, too, has what is left of it. */
const STARTING_SHARE = 0.5;

type Lookup = (
  host: string,
  options: { all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

export interface ConnectAnyOptions {
  readonly host: string;
  readonly port: number;
  /** Which of several addresses is tried first: another one at each dial. */
  readonly turn: number;
  /** How long a connection is waited for. */
  readonly withinMs: number;
  readonly clock: Clock;
  readonly connected: (socket: Socket) => void;
  readonly failed: (error: Error) => void;
  /** @default the system's */
  readonly lookup?: Lookup;
  /** @default that of `node:net` */
  readonly connect?: (host: string, port: number) => Socket;
}

/**
 * A TCP connection to a host, whichever of its addresses answers. Attempts run side by side and none is ended for
 * the next one: Node's own `autoSelectFamily` gives each address but the last 250 ms, which is less than a round
 * trip around the world. Calls `connected` or `failed`, once, unless it is cancelled before.
 */
export class ConnectAny {
  private readonly sockets = new Set<Socket>();
  private waiting: string[] = [];
  private isOver = false;
  /** The addresses of its host name are still being asked for. */
  isLookingUp = false;
  private cancelNext: () => void = () => {};

  constructor(private readonly options: ConnectAnyOptions) {
    const { host, lookup = systemLookup } = options;
    if (isIP(host) !== 0) this.begin([host]);
    else {
      this.isLookingUp = true;
      lookup(host, { all: true }, (error, found) => {
        this.isLookingUp = false;
        if (this.isOver) return;
        if (error) this.fail(error);
        else this.begin(found.map(({ address }) => address));
      });
    }
  }

  cancel(): void {
    this.isOver = true;
    this.cancelNext();
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  private begin(addresses: readonly string[]): void {
    const first = this.options.turn % Math.max(1, addresses.length);
    this.waiting = [...addresses.slice(first), ...addresses.slice(0, first)];
    const pauseMs = Math.min(
      NEXT_ATTEMPT_MS,
      (this.options.withinMs * STARTING_SHARE) / Math.max(1, addresses.length - 1),
    );
    this.next(pauseMs);
  }

  private next(pauseMs: number): void {
    this.cancelNext();
    const address = this.waiting.shift();
    if (address === undefined) return;
    const { connect = (host, port) => connectTcp({ host, port }), port, clock } = this.options;
    const socket = connect(address, port);
    this.sockets.add(socket);
    socket.once('connect', () => this.succeed(socket));
    // It stays: a socket that is given up may still report an error, to nobody.
    socket.on('error', (error) => this.attemptFailed(socket, error, pauseMs));
    if (this.waiting.length > 0) this.cancelNext = clock.after(pauseMs, () => this.next(pauseMs));
  }

  private attemptFailed(socket: Socket, error: Error, pauseMs: number): void {
    if (this.isOver || !this.sockets.delete(socket)) return;
    if (this.waiting.length > 0) this.next(pauseMs);
    else if (this.sockets.size === 0) this.fail(error);
  }

  private succeed(socket: Socket): void {
    if (this.isOver) return;
    this.sockets.delete(socket);
    this.cancel();
    this.options.connected(socket);
  }

  private fail(error: Error): void {
    this.cancel();
    this.options.failed(error);
  }
}
