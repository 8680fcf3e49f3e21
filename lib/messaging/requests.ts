import { PeerageError } from '../errors/peerage-error.js';
import { onAbort } from '../time/abortable.js';
import type { Clock } from '../time/clock.js';
import type { RequestOptions } from './message.types.js';
import { SlotMap } from './slot-map.js';

const DEFAULT_TIMEOUT_MS = 5_000;

/** At least so long between two looks through all of them: a time-out may come this much later. */
const SWEEP_MS = 20;

interface Pending {
  readonly bootId: string;
  readonly topic: string;
  readonly timeoutMs: number;
  readonly dueAtMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Takes the listener off the signal. */
  unlisten: (() => void) | undefined;
}

/**
 * The requests that wait for their answer. Most are answered soon, so none has a timer: one looks through all
 * of them when the first is due.
 */
export class Requests {
  private readonly pending = new SlotMap<Pending>();
  private cancelSweep: (() => void) | undefined;
  private sweepAtMs = Infinity;

  constructor(private readonly clock: Clock) {}

  get size(): number {
    return this.pending.size;
  }

  /** Sends a request with its number by `post`, and gives its answer. What `post` throws rejects it. */
  make(
    bootId: string,
    topic: string,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: RequestOptions,
    post: (id: number) => void,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw aborted(topic, signal);
      const dueAtMs = this.clock.now() + timeoutMs;
      const pending: Pending = { bootId, topic, timeoutMs, dueAtMs, resolve, reject, unlisten: undefined };
      const id = this.pending.add(pending);
      try {
        post(id);
      } catch (error) {
        this.pending.delete(id);
        throw error;
      }
      pending.unlisten = signal && this.listen(id, signal);
      if (dueAtMs < this.sweepAtMs) this.sweepAt(dueAtMs);
    });
  }

  /** An answer that nobody waits for any more, or from another peer than was asked, is ignored. */
  resolve(bootId: string, id: number, value: unknown): void {
    this.take(bootId, id)?.resolve(value);
  }

  reject(bootId: string, id: number, error: PeerageError): void {
    this.take(bootId, id)?.reject(error);
  }

  /** No answer will come from this peer. */
  peerDown(bootId: string, describe: (topic: string) => PeerageError): void {
    for (const [id, pending] of this.pending)
      if (pending.bootId === bootId) this.take(bootId, id)?.reject(describe(pending.topic));
  }

  /** No answer will come at all. */
  stop(describe: (topic: string) => PeerageError): void {
    for (const [id, { bootId, topic }] of this.pending) this.take(bootId, id)?.reject(describe(topic));
    this.cancelSweep?.();
  }

  private take(bootId: string, id: number): Pending | undefined {
    const pending = this.pending.get(id);
    if (pending?.bootId !== bootId) return undefined;
    this.pending.delete(id);
    pending.unlisten?.();
    return pending;
  }

  private listen(id: number, signal: AbortSignal): () => void {
    const abort = (): void => {
      const pending = this.pending.get(id);
      if (pending) this.take(pending.bootId, id)?.reject(aborted(pending.topic, signal));
    };
    return onAbort(signal, abort);
  }

  private sweepAt(atMs: number): void {
    this.cancelSweep?.();
    this.sweepAtMs = atMs;
    this.cancelSweep = this.clock.after(Math.max(0, atMs - this.clock.now()), () => this.sweep());
  }

  private sweep(): void {
    const nowMs = this.clock.now();
    let nextMs = Infinity;
    for (const [id, pending] of this.pending) {
      if (pending.dueAtMs <= nowMs) this.take(pending.bootId, id)?.reject(timedOut(pending));
      else nextMs = Math.min(nextMs, pending.dueAtMs);
    }
    this.sweepAtMs = Infinity;
    this.cancelSweep = undefined;
    if (nextMs < Infinity) this.sweepAt(Math.max(nextMs, nowMs + SWEEP_MS));
  }
}

function aborted(topic: string, signal: AbortSignal): PeerageError {
  return new PeerageError('ABORTED', `The request ${JSON.stringify(topic)} was aborted.`, {
    cause: signal.reason,
  });
}

function timedOut({ topic, timeoutMs }: Pending): PeerageError {
  return new PeerageError(
    'REQUEST_TIMEOUT',
    `The request ${JSON.stringify(topic)} got no answer within ${timeoutMs} ms. It may have been handled all the same.`,
  );
}
