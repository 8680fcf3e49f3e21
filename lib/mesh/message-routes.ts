import type { PeerageError } from '../errors/peerage-error.js';
import type { Peer } from '../membership/events.js';
import type { Clock } from '../time/clock.js';
import type { LinkId } from '../membership/membership.types.js';
import { FrameKind, type WireLimits } from '../wire/frames.js';
import { assertMessage, type MessageBody, PART_NAMES } from '../wire/message-frames.js';
import { FrameWriter } from '../wire/frame-writer.js';
import { faultOf } from './fault.js';
import { Inbox, type InboxLimits } from './inbox.js';
import type {
  HandResult,
  MessageLoss,
  MessagesDropped,
  MessageTaker,
  PostAllResult,
  PostResult,
} from './mesh.js';
import { type MeshStats, TrafficCount } from './mesh-stats.js';
import { Outbox, type OutboxLimits } from './transport/outbox.js';
import type { Link } from './transport/transport.js';

interface Carrier {
  readonly id: LinkId;
  readonly link: Link;
}

/**
 * How messages find the peer they are for, and who sent those that come. The messages for a peer outlive its
 * link: they wait while it is dialled again. When a link replaces another, it takes over only when the old one
 * has brought over what it had, so that the order stays. The other end may give the old one up before we have
 * read it, so what comes by the new one waits for that, too.
 */
export class MessageRoutes {
  private readonly writer = new FrameWriter();
  private readonly outboxes = new Map<string, Outbox>();
  private readonly carriers = new Map<string, Carrier>();
  /** The link that was routed last. */
  private readonly latest = new Map<string, LinkId>();
  private readonly successors = new Map<string, Carrier>();
  private readonly inboxes = new Map<string, Inbox>();
  /** What the other ends of links that don't carry messages yet have room for. */
  private readonly grants = new Map<LinkId, number>();
  private readonly senders = new Map<LinkId, string>();
  private readonly ending = new Set<LinkId>();
  private readonly sent = new TrafficCount();
  private readonly received = new TrafficCount();
  private taker: MessageTaker = () => {};
  private lost: MessageLoss = () => {};
  private dropped: MessagesDropped = () => {};
  /** Of peers that said goodbye: what they had sent is still handled. */
  private readonly finishing = new Set<Inbox>();

  constructor(
    private readonly limits: OutboxLimits & InboxLimits,
    private readonly clock: Clock,
  ) {}

  /** Bytes that wait for peers, or for one of them. */
  waitingBytes(bootId?: string): number {
    if (bootId !== undefined) return this.outboxes.get(bootId)?.bytes ?? 0;
    let bytes = 0;
    for (const outbox of this.outboxes.values()) bytes += outbox.bytes;
    return bytes;
  }

  stats(): Pick<MeshStats, 'messages' | 'queues' | 'handlers'> {
    const { sent, received } = this;
    const inboxes = [...this.inboxes.values()];
    const total = (of: (inbox: Inbox) => number): number =>
      inboxes.reduce((sum, inbox) => sum + of(inbox), 0);
    return {
      messages: { sent: sent.snapshot(), received: received.snapshot() },
      queues: { sendBytes: this.waitingBytes(), receiveBytes: total(({ bytes }) => bytes) },
      handlers: {
        running: total(({ runningCount }) => runningCount),
        waiting: total(({ waitingCount }) => waitingCount),
      },
    };
  }

  post(bootId: string, kind: number, body: readonly unknown[], lane?: string): PostResult {
    const outbox = this.outboxes.get(bootId);
    if (!outbox) return 'gone';
    return outbox.push(kind, body, PART_NAMES[kind]!, lane) ? 'queued' : 'full';
  }

  hand(bootId: string, kind: number, body: readonly unknown[], lane?: string): HandResult {
    const outbox = this.outboxes.get(bootId);
    if (!outbox) return 'gone';
    return outbox.push(kind, body, PART_NAMES[kind]!, lane) ? outbox.ticket(kind, lane) : 'full';
  }

  postAll(kind: number, body: readonly unknown[], lane?: string): PostAllResult {
    const { writer } = this;
    writer.write(kind, body, this.limits.messageBytes, PART_NAMES[kind]);
    const { slab, start, end } = writer;
    const full: string[] = [];
    const tooLong: string[] = [];
    for (const [bootId, outbox] of this.outboxes)
      if (!outbox.takes(end - start)) tooLong.push(bootId);
      else if (!outbox.pushShared(slab, start, end, lane)) full.push(bootId);
    writer.takeBack();
    return { queued: this.outboxes.size - full.length - tooLong.length, full, tooLong };
  }

  /** The requests of a peer that wait for their turn; undefined while it may have sent more by an older link. */
  waitingRequests(bootId: string): readonly number[] | undefined {
    const latest = this.latest.get(bootId);
    if (latest === undefined || this.hasEnding(bootId, latest)) return undefined;
    return this.inboxes.get(bootId)?.waitingRequests();
  }

  receive(taker: MessageTaker, lost: MessageLoss = () => {}, dropped: MessagesDropped = () => {}): void {
    this.taker = taker;
    this.lost = lost;
    this.dropped = dropped;
  }

  /** A message came by a link. */
  arrived(id: LinkId, link: Link, kind: number, body: unknown, bytes: number): void {
    const from = this.senders.get(id);
    if (from === undefined) return;
    this.received.add(bytes);
    this.outboxes.get(from)?.arrived();
    try {
      assertMessage(kind, body);
      const isCurrent = this.latest.get(from) === id;
      this.inboxes.get(from)?.take(kind, body, bytes, isCurrent, isCurrent && this.hasEnding(from, id));
    } catch (error) {
      link.destroy(faultOf(error));
    }
  }

  /** The other end of a link takes so many bytes of messages more. */
  window(id: LinkId, bytes: number): void {
    const bootId = this.senders.get(id);
    const isCarrier = bootId !== undefined && this.carriers.get(bootId)?.id === id;
    if (isCarrier) this.outboxes.get(bootId)?.grant(bytes);
    else this.grants.set(id, (this.grants.get(id) ?? 0) + bytes);
  }

  /** From now on this link leads to the peer. */
  route(bootId: string, id: LinkId, link: Link, takes: WireLimits): void {
    this.senders.set(id, bootId);
    if (!this.outboxes.has(bootId)) this.meet(bootId, takes);
    this.latest.set(bootId, id);
    let windows = 0;
    this.inboxes.get(bootId)!.begin((bytes) => link.send(FrameKind.window, bytes, `window ${windows++}`));
    const before = this.carriers.get(bootId);
    if (before && this.ending.has(before.id)) this.successors.set(bootId, { id, link });
    else this.carry(bootId, { id, link });
  }

  /** No link leads to the peer for the time being. */
  unroute(bootId: string): void {
    this.successors.delete(bootId);
    const carrier = this.carriers.get(bootId);
    carrier?.link.carry(undefined);
    if (carrier && !this.ending.has(carrier.id)) this.carriers.delete(bootId);
  }

  /** The link sends what it has, and takes what comes, until it is closed. */
  linkEnds(id: LinkId): void {
    if (this.senders.has(id)) this.ending.add(id);
  }

  linkClosed(id: LinkId): void {
    const bootId = this.senders.get(id);
    this.senders.delete(id);
    this.grants.delete(id);
    if (this.ending.delete(id) && bootId !== undefined && !this.hasEnding(bootId, id))
      this.inboxes.get(bootId)?.release();
    if (bootId === undefined || this.carriers.get(bootId)?.id !== id) return;
    const successor = this.successors.get(bootId);
    this.carriers.delete(bootId);
    this.successors.delete(bootId);
    if (successor) this.carry(bootId, successor);
  }

  /**
   * It is no peer any more.
   *
   * @param left the peer, when it said goodbye: then the events that it had sent are handled all the same, unless that
   *   many of others wait already (a member may come and leave as often as it likes). Otherwise
   *   it may come back, and what it sends then must not overtake what it had sent.
   */
  peerDown(bootId: string, error: PeerageError, left?: Peer): void {
    const outbox = this.outboxes.get(bootId);
    this.unroute(bootId);
    this.outboxes.delete(bootId);
    outbox?.close(error);
    const inbox = this.inboxes.get(bootId);
    if (left && inbox && this.hasRoomToFinish()) {
      this.finishing.add(inbox);
      inbox.finish((kind, body) => this.takeOf(left, kind, body));
    } else {
      inbox?.close();
      this.dropped(bootId);
    }
    this.inboxes.delete(bootId);
    this.latest.delete(bootId);
  }

  stop(error: PeerageError): void {
    for (const bootId of [...this.outboxes.keys()]) this.peerDown(bootId, error);
  }

  private hasRoomToFinish(): boolean {
    let bytes = 0;
    for (const inbox of this.finishing) {
      if (inbox.pendingBytes === 0) this.finishing.delete(inbox);
      bytes += inbox.pendingBytes;
    }
    return bytes < this.limits.receiveQueueBytes;
  }

  /** What a peer sent that has left since. Nobody waits for the answers to its requests any more. */
  private takeOf(left: Peer, kind: number, body: MessageBody): unknown {
    return kind === FrameKind.event ? this.taker(left.bootId, kind, body, left) : undefined;
  }

  /** Whether the peer has another link that is being drained. */
  private hasEnding(bootId: string, besides: LinkId): boolean {
    for (const id of this.ending) if (id !== besides && this.senders.get(id) === bootId) return true;
    return false;
  }

  private meet(bootId: string, takes: WireLimits): void {
    this.outboxes.set(bootId, this.outboxTo(bootId, takes));
    this.inboxes.set(
      bootId,
      new Inbox(this.limits, this.clock, (kind, body) => this.taker(bootId, kind, body)),
    );
  }

  /** Our own limits bind us, too: what we do not take we do not send. */
  private outboxTo(bootId: string, takes: WireLimits): Outbox {
    const limits = {
      sendQueueBytes: this.limits.sendQueueBytes,
      frameBytes: Math.min(takes.frameBytes, this.limits.frameBytes),
      messageBytes: Math.min(takes.messageBytes, this.limits.messageBytes),
    };
    return new Outbox(limits, (kind, id, error) => this.lost(bootId, kind, id, error), this.sent);
  }

  private carry(bootId: string, carrier: Carrier): void {
    this.carriers.get(bootId)?.link.carry(undefined);
    this.carriers.set(bootId, carrier);
    const outbox = this.outboxes.get(bootId);
    outbox?.restart(this.grants.get(carrier.id) ?? 0);
    this.grants.delete(carrier.id);
    carrier.link.carry(outbox);
  }
}
