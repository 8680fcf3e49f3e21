import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP, isIPv6 } from 'node:net';
import { ProbeExchange, type ProbeExchangeOptions, type ProbeTarget } from './probe-exchange.js';

interface ProbeSocketOptions extends ProbeExchangeOptions {
  /** The listen address; undefined: every address. */
  readonly bind: string | undefined;
  readonly port: number;
  readonly answered: (bootId: string, lagMs: number) => void;
  /** Another node probes us because it has not heard us for so long. */
  readonly unheard: (bootId: string, silentMs: number) => void;
  /** A genuine probe of this node arrived; told once in a while. @default nobody is told */
  readonly probedBy?: (bootId: string) => void;
  /** A probe to this node could not be sent from here. */
  readonly unsent: (bootId: string, code: string) => void;
}

/** Sends probes, takes their answers, and answers those of others. Works in any thread. */
export class ProbeSocket {
  private readonly sockets: Partial<Record<'udp4' | 'udp6', Socket>> = {};
  private readonly exchange: ProbeExchange;

  constructor(private readonly options: ProbeSocketOptions) {
    this.exchange = new ProbeExchange(options);
  }

  /** Opens the port. Rejects when it cannot be had. */
  async open(): Promise<void> {
    const { bind } = this.options;
    if (bind === undefined || bind === '::') {
      await this.bind('udp4', '0.0.0.0');
      // Without IPv6, IPv4 is enough.
      await this.bind('udp6', '::').catch(() => {});
    } else await this.bind(isIPv6(bind) ? 'udp6' : 'udp4', bind);
  }

  /** Sends one probe. Whatever goes wrong is the same as a lost datagram. */
  probe(target: ProbeTarget): void {
    const { bootId, host, port } = target;
    const { unsent } = this.options;
    // A name would be resolved for each datagram, by one of the few threads that the app's own look-ups share.
    if (isIP(host) === 0) return unsent(bootId, 'ENOTFOUND');
    const socket = isIPv6(host) ? this.sockets.udp6 : this.sockets.udp4;
    if (!socket) return unsent(bootId, 'EAFNOSUPPORT');
    socket.send(this.exchange.ask(target), port, host, (error: NodeJS.ErrnoException | null) => {
      if (error) unsent(bootId, error.code ?? error.message);
    });
  }

  close(): void {
    for (const socket of Object.values(this.sockets)) socket.close();
  }

  private bind(family: 'udp4' | 'udp6', address: string): Promise<void> {
    const socket = createSocket({ type: family, ipv6Only: family === 'udp6' });
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ address, port: this.options.port, exclusive: true }, () => {
        socket.removeAllListeners('error');
        // An ICMP error of an earlier datagram says no more than its lost answer.
        socket.on('error', () => {});
        socket.on('message', (bytes, from) => this.take(socket, bytes, from));
        this.sockets[family] = socket;
        resolve();
      });
    });
  }

  private take(socket: Socket, bytes: Buffer, sender: RemoteInfo): void {
    const taken = this.exchange.take(bytes);
    if (!taken) return;
    const { answer, answered, unheard, probedBy } = taken;
    if (answer) socket.send(answer, sender.port, sender.address, () => {});
    if (probedBy !== undefined) this.options.probedBy?.(probedBy);
    if (answered) this.options.answered(answered.bootId, answered.lagMs);
    if (unheard) this.options.unheard(unheard.bootId, unheard.silentMs);
  }
}
