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
export class ServedCall {
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
  private readonly clients = new Map<string, SlotMap<ServedCall>>();
  /** Ids by the boot id of the client: a cancel overtakes the request when that waits for its turn. */
  private readonly cancelled = new Map<string, Set<number>>();
  private endTimer: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly work: Work,
  ) {}

  open(client: NodeInfo, id: number): ServedCall {
    this.work.begin();
    const call = new ServedCall(client, id, this.work.end);
    let calls = this.clients.get(client.bootId);
    if (!calls) this.clients.set(client.bootId, (calls = new SlotMap()));
    call.number = calls.add(call);
    this.endTimer ??= every(this.clock, ROLL_CALL_MS, () => this.sweep());
    return call;
  }

  /** Ends the handler's work on a request, when there still is any. */
  end(call: ServedCall): void {
    this.clients.get(call.client.bootId)?.delete(call.number);
    call.end();
  }

  /** The client wants the response no more. Rare, so nothing is kept to find it faster. */
  cancel({ bootId }: NodeInfo, id: number): void {
    for (const [, call] of this.clients.get(bootId) ?? []) if (call.id === id) return this.end(call);
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
    const calls = this.clients.get(bootId);
    this.clients.delete(bootId);
    for (const [, call] of calls ?? []) call.end();
  }

  /** The client asks after these: which ones are at work? */
  roll({ bootId }: NodeInfo, ids: readonly number[]): number[] {
    const calls = new Map([...(this.clients.get(bootId) ?? [])].map(([, call]) => [call.id, call]));
    return ids.filter((id) => {
      const call = calls.get(id);
      if (call) call.missed = 0;
      return call !== undefined;
    });
  }

  /** Ends all, and returns those that were at work. */
  close(): ServedCall[] {
    const open = this.all();
    for (const call of open) this.end(call);
    this.stopTimer();
    return open;
  }

  private all(): ServedCall[] {
    return [...this.clients.values()].flatMap((calls) => [...calls].map(([, call]) => call));
  }

  private sweep(): void {
    const calls = this.all();
    for (const call of calls) if ((call.missed += 1) > MAX_MISSED) this.end(call);
    if (calls.length === 0) this.stopTimer();
  }

  private stopTimer(): void {
    this.endTimer?.();
    this.endTimer = undefined;
  }
}
