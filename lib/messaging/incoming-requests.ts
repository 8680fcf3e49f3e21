import { PeerageError } from '../errors/peerage-error.js';
import type { Mesh } from '../mesh/mesh.js';
import { type Clock, every } from '../time/clock.js';
import { FrameKind } from '../wire/frames.js';
import { type Failure, ownFailure } from './failure.js';
import { KEEP_ALIVE_MS } from './outgoing-requests.js';
import { SlotMap } from './slot-map.js';

/** So often a node may miss to say that it waits before nobody wants the answer. */
const MAX_MISSED = 4;

/** Of one node, numbers of cancelled requests that have not come up yet: as many short ones as fit into its window. */
const REMEMBERED_CANCELS = 2 ** 18;

/** Fits into the shortest message that every node takes. */
const SHORT_TEXT = 1_024;

/** A request of another node that is handled here. */
export class IncomingRequest {
  /** Parts of the answer so far. */
  parts = 0;
  /** How often in a row its node did not say that it waits. */
  missed = 0;
  /** Among those of its node. */
  number = 0;
  private isEnded = false;
  private endings: (() => void)[] | undefined;

  constructor(
    readonly from: string,
    readonly id: number,
    /** Whether its node says now and then that it waits. */
    readonly isKept: boolean,
    private readonly requests: IncomingRequests,
  ) {}

  /** Bytes that wait here for its node, of this answer and of all else. */
  get waitingBytes(): number {
    return this.requests.waitingBytes(this.from);
  }

  /** What belongs to one answer keeps its order; others need not wait for a long one. */
  get lane(): string | undefined {
    return this.parts > 0 ? `answer ${this.id}` : undefined;
  }

  /** Whether it needs no more work: it is answered, or nobody wants the answer. */
  get isOver(): boolean {
    return this.isEnded;
  }

  /** Calls back when it needs no more work; at once when that is so. */
  onOver(callback: () => void): void {
    if (this.isEnded) callback();
    else (this.endings ??= []).push(callback);
  }

  over(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    for (const callback of this.endings ?? []) callback();
  }

  /**
   * Sends a part of the answer. Resolves when the operating system has taken it. When it throws or rejects, the request is
   * to be ended by `endWith` or `fail`.
   *
   * @throws PeerageError `INVALID_MESSAGE`, `OVERLOADED`, `PEER_GONE`; rejects with `CONNECTION_LOST`, `PEER_GONE`
   */
  next(value: unknown): Promise<void> {
    return this.requests.hand(this, FrameKind.next, [this.id, (this.parts += 1), value]);
  }

  /** Sends the answer, or its last part, and ends the work. @throws as `next` */
  end(value: unknown): Promise<void> {
    this.over();
    const body = this.parts === 0 ? [this.id, value] : [this.id, value, (this.parts += 1)];
    return this.requests.hand(this, FrameKind.reply, body).finally(() => this.requests.close(this));
  }

  /** Answers in place of what could not be sent, and ends the work. What the caller has so far may have a gap. */
  endWith(value: unknown): void {
    this.requests.close(this);
    this.requests.reply(this.from, this.id, value, this.lane);
  }

  /** Ends the work, and tells the caller why there is no answer. */
  fail(failure: Failure): void {
    this.requests.close(this);
    this.requests.fail(this.from, this.id, failure, this.lane);
  }
}

/**
 * Cancelled requests of one node that were not at work: a cancel overtakes a request which waits for its turn. Most had
 * been answered, so that their numbers never come up.
 */
class CancelledIds {
  private young = new Set<number>();
  private old = new Set<number>();

  add(id: number): void {
    this.young.add(id);
    if (this.young.size <= REMEMBERED_CANCELS) return;
    this.old = this.young;
    this.young = new Set();
  }

  delete(id: number): boolean {
    return this.young.delete(id) || this.old.delete(id);
  }

  /** Forgets those that were there when it was called before. Returns whether none is left. */
  forgetOld(): boolean {
    this.old = this.young;
    this.young = new Set();
    return this.old.size === 0;
  }
}

/** The requests of other nodes, and of this node to itself, that are handled here. */
export class IncomingRequests {
  /** By the boot id of the node. */
  private readonly nodes = new Map<string, SlotMap<IncomingRequest>>();
  /** By the boot id of the node. */
  private readonly cancelled = new Map<string, CancelledIds>();
  private endSweep: (() => void) | undefined;
  private isStopped = false;

  constructor(
    private readonly mesh: Pick<Mesh, 'self' | 'post' | 'hand' | 'waitingRequests' | 'waitingBytes'>,
    private readonly clock: Clock,
  ) {}

  /** @param isKept whether its node says now and then that it waits */
  open(from: string, id: number, isKept: boolean): IncomingRequest {
    const isSwept = isKept && from !== this.mesh.self.bootId;
    const request = new IncomingRequest(from, id, isSwept, this);
    let requests = this.nodes.get(from);
    if (!requests) this.nodes.set(from, (requests = new SlotMap()));
    request.number = requests.add(request);
    if (isSwept) this.sweepLater();
    return request;
  }

  /** Ends the work on a request, when there still is any, and forgets it. */
  close(request: IncomingRequest): void {
    this.nodes.get(request.from)?.delete(request.number);
    request.over();
  }

  /** Its node wants the answer no more. Rare, so nothing is kept to find it faster. */
  cancel(from: string, id: number): void {
    for (const [, request] of this.nodes.get(from) ?? []) if (request.id === id) return this.close(request);
    let ids = this.cancelled.get(from);
    if (!ids) this.cancelled.set(from, (ids = new CancelledIds()));
    ids.add(id);
    this.sweepLater();
  }

  /** Whether a request that comes up now was cancelled before; asked once. */
  wasCancelled(from: string, id: number): boolean {
    return this.cancelled.size > 0 && this.cancelled.get(from)?.delete(id) === true;
  }

  /** A node is gone. */
  endOf(from: string): void {
    this.cancelled.delete(from);
    const requests = this.nodes.get(from);
    this.nodes.delete(from);
    for (const [, request] of requests ?? []) request.over();
  }

  /** A node says that it waits for these. Those that never came, or are answered, it is told of. */
  keepAlive(from: string, ids: readonly number[]): void {
    const asked = new Set(ids);
    const known = new Set<number>();
    for (const [, request] of this.nodes.get(from) ?? []) {
      known.add(request.id);
      if (asked.has(request.id)) request.missed = 0;
    }
    const waiting = this.mesh.waitingRequests(from);
    if (!waiting) return;
    for (const id of waiting) known.add(id);
    const unknown = ids.filter((id) => !known.has(id));
    if (unknown.length > 0) this.mesh.post(from, FrameKind.unknown, unknown);
  }

  waitingBytes(from: string): number {
    return this.mesh.waitingBytes(from);
  }

  /**
   * Sends what belongs to an answer. Resolves when the operating system has taken it.
   *
   * @throws PeerageError `INVALID_MESSAGE`, `OVERLOADED`, `PEER_GONE`
   */
  hand({ from, lane }: IncomingRequest, kind: number, body: readonly unknown[]): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    const result = this.mesh.hand(from, kind, body, lane);
    if (result === 'full') throw this.noRoom();
    if (result === 'gone') throw new PeerageError('PEER_GONE', 'Who asked is no peer any more.');
    return result;
  }

  /** Sends a whole answer. @throws PeerageError `INVALID_MESSAGE` */
  reply(from: string, id: number, value: unknown, lane?: string): void {
    if (this.isStopped || this.mesh.post(from, FrameKind.reply, [id, value], lane) !== 'full') return;
    this.fail(from, id, ownFailure(this.noRoom()), lane);
  }

  fail(from: string, id: number, failure: Failure, lane?: string): void {
    if (this.isStopped) return;
    try {
      this.mesh.post(from, FrameKind.error, [id, failure], lane);
    } catch {
      // Its texts are longer than the peer takes messages.
      const { code, name, message } = failure;
      const short = {
        code,
        ...(name !== undefined && { name: 'Error' }),
        message: message.slice(0, SHORT_TEXT),
      };
      this.mesh.post(from, FrameKind.error, [id, short], lane);
    }
  }

  /** The connection broke when a part of an answer was sent. */
  answerLost(from: string, id: number): void {
    const message = `The connection broke while ${this.mesh.self.name} sent its answer. The request was handled.`;
    this.fail(from, id, ownFailure(new PeerageError('CONNECTION_LOST', message)));
  }

  /** Nothing is answered any more. */
  stop(): void {
    this.isStopped = true;
    for (const from of [...this.nodes.keys()]) this.endOf(from);
    this.stopSweep();
  }

  private noRoom(): PeerageError {
    const message = `The answer of ${this.mesh.self.name} found no room in its queue to you: it sends more than you read.`;
    return new PeerageError('OVERLOADED', message);
  }

  private sweep(): void {
    let kept = 0;
    for (const requests of this.nodes.values())
      for (const [, request] of requests) {
        if (!request.isKept) continue;
        kept += 1;
        if ((request.missed += 1) > MAX_MISSED) this.close(request);
      }
    for (const [from, ids] of this.cancelled) {
      // Those that wait at their node wait for those that wait here.
      const waiting = this.mesh.waitingRequests(from);
      if (waiting?.length === 0 && ids.forgetOld()) this.cancelled.delete(from);
    }
    if (kept === 0 && this.cancelled.size === 0) this.stopSweep();
  }

  private sweepLater(): void {
    this.endSweep ??= every(this.clock, KEEP_ALIVE_MS, () => this.sweep());
  }

  private stopSweep(): void {
    this.endSweep?.();
    this.endSweep = undefined;
  }
}
