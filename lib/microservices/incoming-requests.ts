import type { Subscription } from 'rxjs';
import { SlotMap } from '../messaging/slot-map.js';
import type { Work } from '../messaging/work.js';
import type { Clock } from '../time/clock.js';
import { every } from '../time/clock.js';
import type { NodeInfo } from '../naming/node-info.js';
import { ROLL_CALL_MS } from './wire.js';

/** Roll calls that a client may miss before nobody wants the response. */
const MAX_MISSED = 4;

/** Of one client, ids of cancelled requests that have not come up yet: as many as could wait here. */
const REMEMBERED_CANCELS = 4_096;

/** A request that a handler of this node is at work on. */
export class IncomingRequest {
  /** Packets of the response so far. */
  sent = 0;
  missed = 0;
  private work: Subscription | undefined;
  private isEnded = false;
  /** Among those of its client. */
  number = 0;
  /** Resolves when the work on it is over. */
  readonly over: Promise<void>;
  private endWait!: () => void;

  constructor(
    readonly client: NodeInfo,
    readonly id: number,
    private readonly ended: () => void,
  ) {
    this.over = new Promise((resolve) => (this.endWait = resolve));
  }

  get isOver(): boolean {
    return this.isEnded;
  }

  /** Takes the subscription to what the handler returned. */
  set source(work: Subscription) {
    this.work = work;
    if (this.isEnded) work.unsubscribe();
  }

  end(): void {
    if (!this.isEnded) this.ended();
    this.isEnded = true;
    this.endWait();
    this.work?.unsubscribe();
  }
}

/** The requests that handlers of this node are at work on. */
export class IncomingRequests {
  /** By the boot id of the client. */
  private readonly clients = new Map<string, SlotMap<IncomingRequest>>();
  /** Ids by the boot id of the client: a cancel overtakes the request when that waits for its turn. */
  private readonly cancelled = new Map<string, Set<number>>();
  private endTimer: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly work: Work,
  ) {}

  open(client: NodeInfo, id: number): IncomingRequest {
    this.work.begin();
    const request = new IncomingRequest(client, id, this.work.end);
    let requests = this.clients.get(client.bootId);
    if (!requests) this.clients.set(client.bootId, (requests = new SlotMap()));
    request.number = requests.add(request);
    this.endTimer ??= every(this.clock, ROLL_CALL_MS, () => this.sweep());
    return request;
  }

  /** Ends the handler's work on a request, when there still is any. */
  end(request: IncomingRequest): void {
    this.clients.get(request.client.bootId)?.delete(request.number);
    request.end();
  }

  /** The client wants the response no more. Rare, so nothing is kept to find it faster. */
  cancel({ bootId }: NodeInfo, id: number): void {
    for (const [, request] of this.clients.get(bootId) ?? []) if (request.id === id) return this.end(request);
    let ids = this.cancelled.get(bootId);
    if (!ids) this.cancelled.set(bootId, (ids = new Set()));
    ids.add(id);
    if (ids.size > REMEMBERED_CANCELS) for (const oldest of ids) return void ids.delete(oldest);
  }

  /** Whether a request that comes up now was cancelled before; asked once. */
  wasCancelled({ bootId }: NodeInfo, id: number): boolean {
    return this.cancelled.get(bootId)?.delete(id) === true;
  }

  endOf({ bootId }: NodeInfo): void {
    this.cancelled.delete(bootId);
    const requests = this.clients.get(bootId);
    this.clients.delete(bootId);
    for (const [, request] of requests ?? []) request.end();
  }

  /** The client asks after these: which ones are at work? */
  roll({ bootId }: NodeInfo, ids: readonly number[]): number[] {
    const requests = new Map(
      [...(this.clients.get(bootId) ?? [])].map(([, request]) => [request.id, request]),
    );
    return ids.filter((id) => {
      const request = requests.get(id);
      if (request) request.missed = 0;
      return request !== undefined;
    });
  }

  /** Ends all, and returns those that were at work. */
  close(): IncomingRequest[] {
    const open = this.all();
    for (const request of open) this.end(request);
    this.stopTimer();
    return open;
  }

  private all(): IncomingRequest[] {
    return [...this.clients.values()].flatMap((requests) => [...requests].map(([, request]) => request));
  }

  private sweep(): void {
    const requests = this.all();
    for (const request of requests) if ((request.missed += 1) > MAX_MISSED) this.end(request);
    if (requests.length === 0) this.stopTimer();
  }

  private stopTimer(): void {
    this.endTimer?.();
    this.endTimer = undefined;
  }
}
