import { PeerageError } from '../../errors/peerage-error.js';
import { formatHostPort } from '../../naming/node-name.js';
import type { LimitOptions } from '../../peerage.options.js';
import { FrameLink } from '../../mesh/transport/frame-link.js';
import { onAbort } from '../../time/abortable.js';
import type { MemoryListener, MemoryNetwork } from './memory-network.js';
import type { MemoryPipe } from './memory-pipe.js';
import {
  PendingHandshakes,
  tooManyHandshakes,
  type PendingConnection,
} from '../../mesh/transport/tcp/pending-handshakes.js';
import { chooseKey, preSharedKey, type PreSharedKey } from '../../mesh/transport/tcp/psk.js';
import { dialAborted, dialError, dialTimeout } from '../../mesh/transport/tcp/socket-errors.js';
import type { Acceptor, Link, Transport } from '../../mesh/transport/transport.js';

interface MemoryTransportOptions {
  readonly host: string;
  /** 0: a free one, taken by `listen`. */
  readonly port: number;
  readonly portIsFixed?: boolean;
  /** Secret and label are judged as TLS would judge them; no secret is plaintext. */
  readonly secret?: string;
  readonly cluster?: string;
  readonly limits: LimitOptions;
}

const ONE_HAS_NO_SECRET =
  'One of the two nodes has a secret and the other one speaks plaintext: give both the same secret, or neither.';
/** How OpenSSL names the alert that a dialer with the wrong secret gets. */
const SECRET_REFUSED = 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE';

/** Links through a `MemoryNetwork`: a transport for tests, and a second one that keeps the contract honest. */
export function createMemoryTransport(network: MemoryNetwork, options: MemoryTransportOptions): Transport {
  return new MemoryTransport(network, options);
}

/** What is done where somebody listens. Returns why the connection is refused. */
type Call = (listener: MemoryListener, far: MemoryPipe, dialerAddress: string) => PeerageError | undefined;

class MemoryTransport implements Transport, MemoryListener {
  private readonly links = new Set<FrameLink>();
  private readonly dials = new Set<MemoryDial>();
  private readonly pending: PendingHandshakes<PendingConnection>;
  private readonly key: PreSharedKey | undefined;
  private address: string;
  private acceptor: Acceptor | undefined;
  private closing: Promise<void> | undefined;
  private lastIsGone: (() => void) | undefined;

  constructor(
    private readonly network: MemoryNetwork,
    private readonly options: MemoryTransportOptions,
  ) {
    this.address = formatHostPort(options.host, options.port);
    this.pending = new PendingHandshakes(options.limits.pendingHandshakes);
    this.key = options.secret === undefined ? undefined : preSharedKey(options.secret, options.cluster ?? '');
  }

  async listen(acceptor: Acceptor): Promise<{ host: string; port: number }> {
    const { host } = this.options;
    const port = this.bind(this.options.port === 0 ? this.network.freePort() : this.options.port);
    this.acceptor = acceptor;
    this.address = formatHostPort(host, port);
    return { host, port };
  }

  async dial(host: string, port: number, signal: AbortSignal): Promise<Link> {
    return this.link(
      await this.connect(host, port, signal, (listener, far, dialerAddress) => {
        const refusal = listener.judge(dialerAddress, this.key);
        if (!refusal) listener.accept(far);
        return refusal;
      }),
    );
  }

  async reach(host: string, port: number, signal: AbortSignal): Promise<void> {
    const pipe = await this.connect(host, port, signal, () => undefined);
    pipe.destroy();
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  judge(dialerAddress: string, key: PreSharedKey | undefined): PeerageError | undefined {
    const refusal = this.refusalOf(key);
    if (refusal) this.acceptor?.refused(dialerAddress, refusal.code, refusal.message);
    return refusal;
  }

  accept(pipe: MemoryPipe): void {
    const connection: PendingConnection = { stage: 'proved', evict: () => undefined };
    this.pending.admit(connection);
    this.acceptor?.accepted(this.link(pipe, () => this.pending.settled(connection)));
  }

  private connect(host: string, port: number, signal: AbortSignal, call: Call): Promise<MemoryPipe> {
    const address = formatHostPort(host, port);
    if (this.closing || signal.aborted) return Promise.reject(dialAborted(address, signal.reason));
    return new Promise((resolve, reject) => {
      const dial: MemoryDial = new MemoryDial(address, this.network, this.options.limits, (result) => {
        this.dials.delete(dial);
        endWaiting();
        if (result instanceof PeerageError) reject(result);
        else resolve(result);
      });
      const endWaiting = onAbort(signal, () => dial.fail(dialAborted(address, signal.reason)));
      this.dials.add(dial);
      dial.start(this.address, formatHostPort(this.options.host, this.network.freePort()), call);
    });
  }

  private refusalOf(key: PreSharedKey | undefined): PeerageError | undefined {
    const { pendingHandshakes } = this.options.limits;
    if (this.pending.size >= pendingHandshakes) return tooManyHandshakes(pendingHandshakes);
    if (!key && !this.key) return undefined;
    if (!key || !this.key) return new PeerageError('SECURITY_MISMATCH', ONE_HAS_NO_SECRET);
    const chosen = chooseKey([this.key], key.identity);
    return chosen instanceof PeerageError ? chosen : undefined;
  }

  private bind(port: number): number {
    const address = formatHostPort(this.options.host, port);
    if (this.network.register(address, this)) return port;
    if (!this.options.portIsFixed) return this.bind(this.network.freePort());
    throw new PeerageError(
      'PORT_IN_USE',
      `Cannot listen on ${address}: another node of this network has it.`,
    );
  }

  private link(pipe: MemoryPipe, settled?: () => void): FrameLink {
    const link = new FrameLink(pipe, {
      limits: this.options.limits,
      clock: this.network.clock,
      defer: (callback) => void this.network.clock.after(0, callback),
      handshakeMs: this.options.limits.handshakeMs,
      ...(settled ? { settled } : {}),
      gone: () => this.onGone(link),
    });
    this.links.add(link);
    return link;
  }

  private async closeAll(): Promise<void> {
    this.network.unregister(this.address, this);
    for (const dial of [...this.dials]) dial.fail(dialAborted(dial.address));
    for (const link of this.links) link.end();
    if (this.links.size > 0) await new Promise<void>((resolve) => (this.lastIsGone = resolve));
  }

  private onGone(link: FrameLink): void {
    this.links.delete(link);
    if (this.links.size === 0) this.lastIsGone?.();
  }
}

/** One dial: a knock at the other node and its answer, within one deadline. */
class MemoryDial {
  private near: MemoryPipe | undefined;
  private isOver = false;
  private readonly cancelDeadline: () => void;

  constructor(
    readonly address: string,
    private readonly network: MemoryNetwork,
    { handshakeMs }: LimitOptions,
    private readonly done: (result: MemoryPipe | PeerageError) => void,
  ) {
    this.cancelDeadline = network.clock.after(handshakeMs, () =>
      this.fail(dialTimeout(address, handshakeMs)),
    );
  }

  start(from: string, dialerAddress: string, call: Call): void {
    const { near, far } = this.network.connect(from, this.address, dialerAddress);
    this.near = near;
    near.call(() => {
      const listener = this.network.listenerAt(this.address);
      const refusal = listener && call(listener, far, dialerAddress);
      const isTaken = listener !== undefined && refusal === undefined;
      far.call(() => this.answered(near, isTaken ? undefined : this.asSeenHere(refusal)));
      if (!isTaken) far.destroy();
    });
  }

  fail(error: PeerageError): void {
    if (this.isOver) return;
    this.over();
    this.near?.destroy();
    this.done(error);
  }

  private answered(near: MemoryPipe, refusal: PeerageError | undefined): void {
    if (refusal) this.fail(refusal);
    if (this.isOver) return;
    this.over();
    this.done(near);
  }

  /** A dialer learns less than the acceptor does, as with TLS. */
  private asSeenHere(refusal: PeerageError | undefined): PeerageError {
    const { address } = this;
    if (!refusal)
      return dialError(address, 'none', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    if (refusal.code === 'SECURITY_MISMATCH') return refusal;
    const code = refusal.code === 'TOO_MANY_HANDSHAKES' ? 'ECONNRESET' : SECRET_REFUSED;
    return dialError(address, 'secret', Object.assign(new Error('refused'), { code }));
  }

  private over(): void {
    this.isOver = true;
    this.cancelDeadline();
  }
}
