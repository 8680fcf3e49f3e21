import type { Clock } from '../time/clock.js';
import { inRootContext } from '../time/root-context.js';
import { decodeBody, encodeFrame, type Frame, HEADER_BYTES, LENGTH_BYTES } from '../wire/frame-writer.js';
import { type MessageBody, PART_NAMES } from '../wire/message-frames.js';
import { Inbox, type InboxLimits, passesBy } from './inbox.js';
import type { MessageTaker, PostResult } from './mesh.js';

interface LoopbackLimits extends InboxLimits {
  /** Bytes of one message. */
  readonly messageBytes: number;
}

/**
 * What a node says to itself. As for others: through the codec, within the same limits, handled in a later turn and
 * outside of what its sender is in.
 */
export class Loopback {
  taker: MessageTaker = () => {};
  private readonly inbox: Inbox;
  private readonly queue: Frame[] = [];
  /** Bytes that may still wait, or be handled. */
  private room = 0;

  constructor(
    private readonly bootId: string,
    private readonly limits: LoopbackLimits,
    clock: Clock,
    /** Runs a callback in a later turn. */
    private readonly defer: (callback: () => void) => void,
  ) {
    this.inbox = new Inbox(limits, clock, (kind, body) => this.taker(bootId, kind, body));
    this.inbox.begin((bytes) => (this.room += bytes));
  }

  /** @throws PeerageError `INVALID_MESSAGE` */
  post(kind: number, body: unknown): PostResult {
    const frame = this.encode(kind, body, this.limits.messageBytes);
    if (!passesBy(kind, body as MessageBody)) {
      if (this.room <= 0) return 'full';
      this.room -= frame.length;
    }
    if (this.queue.length === 0) inRootContext(() => this.defer(() => this.deliver()));
    this.queue.push(frame);
    return 'queued';
  }

  /** The numbers of requests that wait for their turn. */
  waitingRequests(): readonly number[] {
    return this.inbox.waitingRequests();
  }

  /**
   * A body as it is when it has arrived.
   *
   * @throws PeerageError `INVALID_MESSAGE`
   */
  copy(kind: number, body: unknown, maxBytes: number = this.limits.messageBytes): unknown {
    return bodyOf(this.encode(kind, body, Math.min(maxBytes, this.limits.messageBytes)));
  }

  private encode(kind: number, body: unknown, maxBytes: number): Frame {
    return encodeFrame(kind, body, maxBytes, PART_NAMES[kind]);
  }

  /** What is posted meanwhile has its own turn. */
  private deliver(): void {
    for (const frame of this.queue.splice(0)) this.take(frame[LENGTH_BYTES]!, bodyOf(frame), frame.length);
  }

  /** This node trusts itself: what needs no room is not counted. */
  private take(kind: number, body: unknown, bytes: number): void {
    if (passesBy(kind, body as MessageBody)) this.taker(this.bootId, kind, body as MessageBody);
    else this.inbox.take(kind, body as MessageBody, bytes, true);
  }
}

function bodyOf(frame: Frame): unknown {
  return decodeBody(frame, HEADER_BYTES, frame.length);
}
