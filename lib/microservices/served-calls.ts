import type { Subscription } from 'rxjs';
import type { NodeInfo } from '../naming/node-info.js';
import { ROLL_CALL_MS } from './wire.js';

/** Roll calls that a client may miss before nobody wants the response. */
const MAX_MISSED = 4;

/** A request that a handler of this node is at work on. */
export class ServedCall {
  /** Packets of the response so far. */
  sent = 0;
  missed = 0;
  private work: Subscription | undefined;
  private isEnded = false;

  constructor(
    readonly client: NodeInfo,
    readonly id: number,
  ) {}

  get isOver(): boolean {
    return this.isEnded;
  }

  /** Takes the subscription to what the handler returned. */
  set source(work: Subscription) {
    this.work = work;
    if (this.isEnded) work.unsubscribe();
  }

  end(): void {
    this.isEnded = true;
    this.work?.unsubscribe();
  }
}

/** The requests that handlers of this node are at work on. */
export class ServedCalls {
  private readonly calls = new Map<string, ServedCall>();
  private timer: NodeJS.Timeout | undefined;

  open(client: NodeInfo, id: number): ServedCall {
    const call = new ServedCall(client, id);
    this.calls.set(keyOf(client, id), call);
    this.timer ??= setInterval(() => this.sweep(), ROLL_CALL_MS).unref();
    return call;
  }

  /** Ends the handler's work on a request, when there still is any. */
  end({ client, id }: Pick<ServedCall, 'client' | 'id'>): void {
    const key = keyOf(client, id);
    const call = this.calls.get(key);
    this.calls.delete(key);
    call?.end();
  }

  endOf(client: NodeInfo): void {
    for (const call of [...this.calls.values()]) if (call.client.bootId === client.bootId) this.end(call);
  }

  /** The client asks after these: which ones are at work? */
  roll(client: NodeInfo, ids: readonly number[]): number[] {
    return ids.filter((id) => {
      const call = this.calls.get(keyOf(client, id));
      if (call) call.missed = 0;
      return call !== undefined;
    });
  }

  /** Ends all, and returns those that were at work. */
  close(): ServedCall[] {
    const open = [...this.calls.values()];
    for (const call of open) this.end(call);
    clearInterval(this.timer);
    this.timer = undefined;
    return open;
  }

  private sweep(): void {
    for (const call of [...this.calls.values()]) if ((call.missed += 1) > MAX_MISSED) this.end(call);
    if (this.calls.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

function keyOf({ bootId }: NodeInfo, id: number): string {
  return `${bootId} ${id}`;
}
