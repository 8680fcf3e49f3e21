import { PeerageError } from '../../errors/peerage-error.js';
import type { LimitOptions } from '../../peerage.options.js';
import { type Clock, deadline } from '../../time/clock.js';
import { inRootContext } from '../../time/root-context.js';
import { FrameReader } from '../../wire/frame-reader.js';
import { encodeFrame } from '../../wire/frame-writer.js';
import type { Outbox } from './outbox.js';
import { SendQueue } from './send-queue.js';
import { type WriteReceipt, InFlightWrites } from './write-receipts.js';
import type { Link, LinkHandlers } from './transport.js';

/** How long `end()` waits for the network and the other side while no byte moves either way… */
export const END_MS = 1_000;

/** …and at most. */
const LONGEST_END_MS = 10_000;

/** What a pipe tells the link on it. */
export interface PipeEvents {
  data(chunk: Buffer): void;
  /** More can be written again. */
  drained(): void;
  /** The other end sends no more, and reads no more either: nothing is to be written. */
  ended(): void;
  /** Gone; the last call. `code` is the socket's error code, or `EOF`. */
  closed(code: string, error?: PeerageError): void;
}

/** Ordered bytes to and from one other process, already authenticated. */
export interface Pipe {
  /** `host:port` */
  readonly remoteAddress: string;
  /** Bytes written that the network has not taken. */
  readonly bufferedBytes: number;
  /** Called once, at once. `data` waits for `start`. */
  attach(events: PipeEvents): void;
  /** Called once, later: from now on what arrives is told. */
  start(): void;
  /**
   * `false`: write no more before `drained`.
   *
   * @param handed called when the operating system has taken the last of it, or never will
   */
  write(buffers: readonly Buffer[], handed?: (error?: Error | null) => void): boolean;
  /** Half-closes after what was written. */
  end(): void;
  /** `closed` follows, never in this turn. */
  destroy(): void;
}

export interface FrameLinkOptions {
  readonly limits: LimitOptions;
  readonly clock: Clock;
  /** Runs a callback at the end of this turn. */
  readonly defer: (callback: () => void) => void;
  /** What is left of the handshake's time. */
  readonly handshakeMs: number;
  /** Looks at the first header that arrives: does another protocol answer there? */
  readonly judgeFirst?: (header: Buffer) => PeerageError | undefined;
  /** Called once, when the handshake is over or the link is gone. */
  readonly settled?: () => void;
  /** Called once, when the link is gone. */
  readonly gone?: () => void;
}

/** A link of frames over any pipe: the one that both transports hand out. */
export class FrameLink implements Link {
  private readonly queue = new SendQueue();
  private readonly reader: FrameReader;
  private readonly written = new InFlightWrites();
  private outbox: Outbox | undefined;
  private handlers: LinkHandlers | undefined;
  private state: 'open' | 'ending' | 'destroyed' | 'closed' = 'open';
  private isBlocked = false;
  private flushIsDue = false;
  /** Of messages that were unloaded. */
  private readonly unloaded: WriteReceipt[] = [];
  private readonly wake = (): void => this.scheduleFlush();
  /** Called by who sends: the socket must not keep their context. */
  private readonly writeNow = (): void => inRootContext(() => this.flush());
  private isEstablished = false;
  private isSettled = false;
  private heardBytes = 0;
  private closeError: PeerageError | undefined;
  private ending: { code: string; error: PeerageError | undefined } | undefined;
  private cancelDeadline: () => void;

  constructor(
    private readonly pipe: Pipe,
    private readonly options: FrameLinkOptions,
  ) {
    this.reader = new FrameReader(
      options.limits.helloBytes,
      {
        frame: (kind, body, bytes) => this.handlers?.frame(kind, body, bytes),
        failed: (error) => this.destroy(error),
      },
      options.judgeFirst,
    );
    this.cancelDeadline = deadline(options.clock, options.handshakeMs, () =>
      this.destroy(handshakeTimeout(options)),
    );
    pipe.attach({
      data: (chunk) => this.onData(chunk),
      drained: () => this.onDrained(),
      ended: () => this.carry(undefined),
      closed: (code, error) => this.onClosed(code, error),
    });
  }

  get remoteAddress(): string {
    return this.pipe.remoteAddress;
  }

  get queuedBytes(): number {
    return this.queue.bytes + this.pipe.bufferedBytes;
  }

  open(handlers: LinkHandlers): void {
    this.handlers = handlers;
    if (this.state === 'closed') this.options.defer(() => this.tellClosed());
    else if (this.state !== 'destroyed') this.pipe.start();
  }

  established(): void {
    if (this.isEstablished || this.state !== 'open') return;
    this.isEstablished = true;
    this.reader.maxBytes = this.options.limits.frameBytes;
    this.reader.maxMessageBytes = this.options.limits.messageBytes;
    this.settle();
  }

  send(kind: number, body: unknown, urgent?: string): boolean {
    if (this.state !== 'open') return false;
    const { sendQueueBytes, frameBytes, helloBytes } = this.options.limits;
    const isUrgent = urgent !== undefined;
    if (!isUrgent && this.queuedBytes >= sendQueueBytes) return false;
    const frame = encodeFrame(kind, body, this.isEstablished ? frameBytes : helloBytes);
    if (!isUrgent && this.queuedBytes + frame.length > sendQueueBytes) return false;
    if (isUrgent) this.queue.pushUrgent(frame, urgent);
    else this.queue.push(frame);
    this.scheduleFlush();
    return true;
  }

  carry(outbox: Outbox | undefined): void {
    this.outbox?.detach();
    this.outbox = this.state === 'open' ? outbox : undefined;
    if (!this.isBlocked) this.outbox?.release(this.wake, this.writeNow);
  }

  unload(): void {
    while (this.outbox?.isReady) {
      const buffers: Buffer[] = [];
      this.outbox.take(buffers, this.unloaded, this.options.clock.now());
      for (const buffer of buffers) this.queue.push(buffer);
    }
  }

  end(): void {
    if (this.state !== 'open') return;
    const rest: Buffer[] = [];
    this.outbox?.takeRest(rest, this.unloaded);
    for (const buffer of rest) this.queue.push(buffer);
    this.carry(undefined);
    this.state = 'ending';
    this.cancelDeadline();
    this.awaitEnd(this.options.clock.now() + LONGEST_END_MS);
    // Nobody listens to what still comes, so its end would not be heard either.
    if (this.handlers) this.flush();
    else this.destroy();
  }

  destroy(error?: PeerageError): void {
    if (this.state === 'destroyed' || this.state === 'closed') return;
    this.state = 'destroyed';
    this.closeError = error;
    this.reader.stop();
    this.letGo();
    this.settle();
    this.pipe.destroy();
  }

  /** What was sent takes its time on a slow or busy way; a way on which nothing moves is given up. */
  private awaitEnd(endMs: number): void {
    const { queuedBytes, heardBytes } = this;
    this.cancelDeadline = deadline(this.options.clock, END_MS, () => {
      const hasMoved = this.queuedBytes !== queuedBytes || this.heardBytes !== heardBytes;
      if (hasMoved && this.options.clock.now() < endMs) this.awaitEnd(endMs);
      else this.destroy();
    });
  }

  private onData(chunk: Buffer): void {
    if (this.state === 'destroyed') return;
    this.heardBytes += chunk.length;
    this.handlers?.heard();
    this.reader.push(chunk);
  }

  private onDrained(): void {
    this.isBlocked = false;
    this.flush();
    if (!this.isBlocked) this.outbox?.release(this.wake, this.writeNow);
  }

  /** Nothing more will be sent. */
  private letGo(): void {
    this.carry(undefined);
    this.queue.clear();
    this.written.fail(this.unloaded.splice(0));
  }

  private onClosed(code: string, error: PeerageError | undefined): void {
    const reason = this.closeError ?? error;
    this.state = 'closed';
    this.ending = { code: reason?.code ?? code, error: reason };
    this.reader.stop();
    this.letGo();
    this.settle();
    this.options.gone?.();
    this.tellClosed();
  }

  private tellClosed(): void {
    const handlers = this.handlers;
    this.handlers = undefined;
    if (this.ending) handlers?.closed(this.ending.code, this.ending.error);
  }

  private scheduleFlush(): void {
    if (this.flushIsDue || this.isBlocked) return;
    this.flushIsDue = true;
    this.options.defer(() => {
      this.flushIsDue = false;
      this.flush();
    });
  }

  private flush(): void {
    while (!this.isBlocked && (this.queue.bytes > 0 || this.outbox?.isReady)) {
      const buffers = this.queue.take();
      const tickets = this.unloaded.splice(0);
      this.outbox?.take(buffers, tickets, this.options.clock.now());
      this.isBlocked = !this.pipe.write(buffers, this.written.expect(tickets));
    }
    if (this.isBlocked) this.outbox?.hold();
    if (this.state === 'ending' && this.queue.bytes === 0) this.pipe.end();
  }

  private settle(): void {
    this.cancelDeadline();
    if (this.isSettled) return;
    this.isSettled = true;
    this.options.settled?.();
  }
}

function handshakeTimeout({ limits }: FrameLinkOptions): PeerageError {
  return new PeerageError(
    'HANDSHAKE_TIMEOUT',
    `The handshake was not over after ${limits.handshakeMs} ms: the other side is overloaded or no peerage node, or the network loses packets.`,
  );
}
