import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { encodeProbe, isGenuine, NONCE_BYTES, PROBE_BYTES, readProbe } from './probe-codec.js';

/** Probes that are waited for at once; the oldest are given up. */
const MAX_WAITING = 4_096;

/** Whom to probe. */
export interface ProbeTarget {
  readonly bootId: string;
  readonly host: string;
  readonly port: number;
  readonly key: Uint8Array;
  /** For how long it has not been heard; 0 when it is. */
  readonly silentMs: number;
}

export interface ProbeSocketOptions {
  readonly bootId: string;
  /** Our own probe key. */
  readonly key: Uint8Array;
  /** The listen address; undefined: every address. */
  readonly bind: string | undefined;
  readonly port: number;
  /** How far the main loop is behind, in milliseconds. */
  readonly lagMs: () => number;
  readonly answered: (bootId: string, lagMs: number) => void;
  /** Another node probes us because it has not heard us for so long. */
  readonly doubted: (bootId: string, silentMs: number) => void;
}

/** Sends probes, takes their answers, and answers those of others. Works in any thread. */
export class ProbeSocket {
  private readonly sockets: Partial<Record<'udp4' | 'udp6', Socket>> = {};
  private readonly waiting = new Map<string, ProbeTarget>();

  constructor(private readonly options: ProbeSocketOptions) {}

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
    const nonce = randomBytes(NONCE_BYTES).toString('hex');
    this.waiting.set(nonce, target);
    if (this.waiting.size > MAX_WAITING) this.waiting.delete(this.waiting.keys().next().value!);
    const { bootId: from } = this.options;
    const probe = { kind: 'probe', from, to: target.bootId, nonce, ms: target.silentMs } as const;
    const bytes = encodeProbe(probe, target.key);
    const socket = isIPv6(target.host) ? this.sockets.udp6 : this.sockets.udp4;
    socket?.send(bytes, target.port, target.host, () => {});
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
    const { bootId, key, lagMs, answered, doubted } = this.options;
    const probe = bytes.length === PROBE_BYTES ? readProbe(bytes) : undefined;
    if (probe?.kind === 'probe') {
      if (probe.to !== bootId || !isGenuine(bytes, key)) return;
      const answer = {
        kind: 'answer',
        from: bootId,
        to: probe.from,
        nonce: probe.nonce,
        ms: lagMs(),
      } as const;
      socket.send(encodeProbe(answer, key), sender.port, sender.address, () => {});
      if (probe.ms > 0) doubted(probe.from, probe.ms);
    } else if (probe) {
      const target = this.waiting.get(probe.nonce);
      if (target?.bootId !== probe.from || probe.to !== bootId || !isGenuine(bytes, target.key)) return;
      this.waiting.delete(probe.nonce);
      answered(probe.from, probe.ms);
    }
  }
}
