import { PeerageError } from '../errors/peerage-error.js';
import type { LinkId } from '../membership/membership.types.js';
import { FrameKind } from '../wire/messages.js';
import { FrameWriter } from '../wire/frame-writer.js';
import type { MessageTaker, PostAllResult, PostResult } from './mesh.js';
import { Outbox, type OutboxLimits } from './transport/outbox.js';
import type { Link } from './transport/transport.js';

interface Carrier {
  readonly id: LinkId;
  readonly link: Link;
}

/** What the parts of a message are called in errors. */
const PART_NAMES: Readonly<Record<number, readonly string[]>> = {
  [FrameKind.event]: ['topic', 'data', 'trace'],
  [FrameKind.request]: ['id', 'topic', 'data', 'trace'],
  [FrameKind.reply]: ['id', 'data'],
  [FrameKind.error]: ['id', 'error'],
};

export function isMessage(kind: number): boolean {
  return kind >= FrameKind.event && kind <= FrameKind.error;
}

/**
 * How messages find the peer they are for, and who sent those that come. The messages for a peer outlive its
 * link: they wait while it is dialled again. When a link replaces another, it takes over only when the old one
 * has brought over what it had, so that the order stays.
 */
export class MessageRoutes {
  private readonly writer = new FrameWriter();
  private readonly outboxes = new Map<string, Outbox>();
  private readonly carriers = new Map<string, Carrier>();
  private readonly successors = new Map<string, Carrier>();
  private readonly senders = new Map<LinkId, string>();
  private readonly ending = new Set<LinkId>();
  private taker: MessageTaker = () => {};

  constructor(private readonly limits: OutboxLimits) {}

  post(bootId: string, kind: number, body: unknown, lane?: string): PostResult {
    const outbox = this.outboxes.get(bootId);
    if (!outbox) return 'gone';
    return outbox.push(kind, body, PART_NAMES[kind]!, lane) ? 'queued' : 'full';
  }

  hand(bootId: string, kind: number, body: unknown, lane?: string): Promise<void> | 'full' | 'gone' {
    const outbox = this.outboxes.get(bootId);
    if (!outbox) return 'gone';
    return outbox.push(kind, body, PART_NAMES[kind]!, lane) ? outbox.ticket() : 'full';
  }

  postAll(kind: number, body: unknown, lane?: string): PostAllResult {
    const { writer } = this;
    writer.write(kind, body, this.limits.messageBytes, PART_NAMES[kind]);
    const { slab, start, end } = writer;
    const full: string[] = [];
    for (const [bootId, outbox] of this.outboxes)
      if (!outbox.pushShared(slab, start, end, lane)) full.push(bootId);
    return { queued: this.outboxes.size - full.length, full };
  }

  receive(taker: MessageTaker): void {
    this.taker = taker;
  }

  /** A message came by a link. */
  arrived(id: LinkId, link: Link, kind: number, body: unknown): void {
    const from = this.senders.get(id);
    if (from === undefined) return;
    this.outboxes.get(from)?.arrived();
    try {
      this.taker(from, kind, body);
    } catch (error) {
      if (!(error instanceof PeerageError)) throw error;
      link.destroy(error);
    }
  }

  /** From now on this link leads to the peer. */
  route(bootId: string, id: LinkId, link: Link): void {
    this.senders.set(id, bootId);
    if (!this.outboxes.has(bootId)) this.outboxes.set(bootId, new Outbox(this.writer, this.limits));
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
    this.ending.delete(id);
    if (bootId === undefined || this.carriers.get(bootId)?.id !== id) return;
    const successor = this.successors.get(bootId);
    this.carriers.delete(bootId);
    this.successors.delete(bootId);
    if (successor) this.carry(bootId, successor);
  }

  /** It is no peer any more. */
  peerDown(bootId: string, error: PeerageError): void {
    const outbox = this.outboxes.get(bootId);
    this.unroute(bootId);
    this.outboxes.delete(bootId);
    outbox?.close(error);
  }

  stop(error: PeerageError): void {
    for (const bootId of [...this.outboxes.keys()]) this.peerDown(bootId, error);
  }

  private carry(bootId: string, carrier: Carrier): void {
    this.carriers.get(bootId)?.link.carry(undefined);
    this.carriers.set(bootId, carrier);
    carrier.link.carry(this.outboxes.get(bootId));
  }
}
