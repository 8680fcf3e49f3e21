import { PeerageError } from '../errors/peerage-error.js';
import type { Mesh } from '../mesh/mesh.js';
import { onAbort } from '../time/abortable.js';
import { type Clock, every } from '../time/clock.js';
import { FrameKind } from '../wire/frames.js';
import type { NextBody, ReplyBody } from '../wire/message-frames.js';
import type { RequestOptions } from './message.types.js';
import { SlotMap } from './slot-map.js';

const DEFAULT_TIMEOUT_MS = 5_000;

/** At least so long between two looks through all of them: a time-out may come this much later. */
const SWEEP_MS = 20;

/** How often a node tells others for which requests without a time limit it still waits, in milliseconds. */
export const KEEP_ALIVE_MS = 5_000;

/** So many are told of in one message. */
const IDS_AT_ONCE = 1_000;

/** Whoever waits for an answer. */
export interface AnswerSink {
  /** A part of the answer; more follow. */
  next(value: unknown): void;
  /** The answer, or its last part. */
  end(value: unknown): void;
  /** `isUntouched`: no handler has had the request, or will. */
  fail(error: unknown, isUntouched: boolean): void;
}

/** A request that waits for its answer. */
interface Pending {
  readonly bootId: string;
  /** What it asks for, as errors say it. */
  readonly what: string;
  readonly sink: AnswerSink;
  /** Infinity: it has no time limit. */
  readonly timeoutMs: number;
  readonly dueAtMs: number;
  /** Parts of the answer so far. */
  parts: number;
  /** Takes the listener off the signal. */
  unlisten: (() => void) | undefined;
  /** Whether the operating system has taken it. Only asked of those without a time limit. */
  isWritten: boolean;
  /** The peer went down before that was known. */
  gone: PeerageError | undefined;
  /** How often others were told of requests since it was made. */
  age: number;
}

/**
 * The requests that wait for their answer. Most are answered soon, so none has a timer: one looks through all
 * of them when the first is due.
 *
 * Messages are sent at most once, so a request, or a part of its answer, may be lost with a connection. The numbers of
 * parts show a gap. A request with a time limit ends by that. Of one without, the other node is told every
 * `KEEP_ALIVE_MS` that it is waited for. When that one says that it has no such request, it is lost: what had been written
 * before the question has come before it, and what was answered before the reply has come before that.
 */
export class OutgoingRequests {
  private readonly pending = new SlotMap<Pending>();
  private cancelSweep: (() => void) | undefined;
  private sweepAtMs = Infinity;
  private endKeepAlive: (() => void) | undefined;

  constructor(
    private readonly mesh: Pick<Mesh, 'post' | 'self' | 'waitingRequests'>,
    private readonly clock: Clock,
  ) {}

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
    return new Promise((end, fail) => {
      if (signal?.aborted) throw aborted(topic, signal);
      const pending = pendingRequest(bootId, topic, { next: ignore, end, fail }, timeoutMs, this.clock.now());
      const id = this.pending.add(pending);
      try {
        post(id);
      } catch (error) {
        this.pending.delete(id);
        throw error;
      }
      pending.unlisten = signal && this.listen(id, signal);
      if (pending.dueAtMs < this.sweepAtMs) this.sweepAt(pending.dueAtMs);
    });
  }

  /**
   * Sends a request without a time limit, whose answer may come in parts, by `hand`, which resolves when the operating
   * system has taken it. Calls `sink` in a later turn. Returns what ends the waiting.
   *
   * @param what it asks for, as errors say it
   */
  open(bootId: string, what: string, sink: AnswerSink, hand: (id: number) => Promise<void>): () => void {
    const pending = pendingRequest(bootId, what, sink, Infinity, this.clock.now());
    const id = this.pending.add(pending);
    hand(id).then(
      () => this.written(id, pending),
      (error: unknown) => this.take(bootId, id)?.sink.fail(error, isNeverSent(error)),
    );
    this.endKeepAlive ??= every(this.clock, KEEP_ALIVE_MS, () => this.keepAlive());
    return () => this.cancel(bootId, id);
  }

  /** A part of an answer. What nobody waits for any more, or comes from another peer than was asked, is ignored. */
  next(from: string, [id, sequence, value]: NextBody): void {
    const pending = this.get(from, id);
    if (!pending) return;
    pending.parts += 1;
    if (sequence === pending.parts) pending.sink.next(value);
    else this.lose(from, id);
  }

  /** An answer, or the last part of one. */
  end(from: string, [id, value, sequence]: ReplyBody): void {
    const pending = this.get(from, id);
    if (!pending) return;
    if (sequence !== undefined && sequence !== pending.parts + 1) return this.lose(from, id);
    this.take(from, id);
    pending.sink.end(value);
  }

  fail(from: string, id: number, error: PeerageError, isUntouched = false): void {
    this.take(from, id)?.sink.fail(error, isUntouched);
  }

  /** A peer says that it has none of these. */
  unknown(from: string, ids: readonly number[]): void {
    // An older connection may still bring their answers.
    if (this.mesh.waitingRequests(from) === undefined) return;
    for (const id of ids) if (this.get(from, id)?.isWritten) this.lose(from, id);
  }

  /** No answer will come from this peer. */
  peerDown(bootId: string, describe: (what: string) => PeerageError): void {
    for (const [id, pending] of this.pending) {
      if (pending.bootId !== bootId) continue;
      // Whether it went out will be known soon.
      if (isKept(pending) && !pending.isWritten) pending.gone = describe(pending.what);
      else this.failLater(bootId, id, describe(pending.what));
    }
  }

  /** No answer will come at all. */
  stop(describe: (what: string) => PeerageError): void {
    for (const [id, { bootId, what }] of this.pending) this.failLater(bootId, id, describe(what));
    this.cancelSweep?.();
    this.stopKeepAlive();
  }

  private get(bootId: string, id: number): Pending | undefined {
    const pending = this.pending.get(id);
    return pending?.bootId === bootId ? pending : undefined;
  }

  private take(bootId: string, id: number): Pending | undefined {
    const pending = this.get(bootId, id);
    if (!pending) return undefined;
    this.pending.delete(id);
    pending.unlisten?.();
    return pending;
  }

  /** Nobody wants the answer any more: a request that waits over there is not handled. */
  private cancel(bootId: string, id: number): Pending | undefined {
    const pending = this.take(bootId, id);
    if (pending) this.mesh.post(bootId, FrameKind.cancel, [id]);
    return pending;
  }

  private lose(bootId: string, id: number): void {
    const error = new PeerageError(
      'CONNECTION_LOST',
      'The request, or a part of its answer, was lost with a connection.',
    );
    this.cancel(bootId, id)?.sink.fail(error, false);
  }

  /** Not in the turn of an event of the mesh: whoever waits may do anything then. */
  private failLater(bootId: string, id: number, error: PeerageError): void {
    queueMicrotask(() => this.take(bootId, id)?.sink.fail(error, false));
  }

  private written(id: number, pending: Pending): void {
    pending.isWritten = true;
    if (pending.gone) this.fail(pending.bootId, id, pending.gone);
  }

  private listen(id: number, signal: AbortSignal): () => void {
    const abort = (): void => {
      const pending = this.pending.get(id);
      if (pending) this.cancel(pending.bootId, id)?.sink.fail(aborted(pending.what, signal), false);
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
      if (pending.dueAtMs <= nowMs) this.cancel(pending.bootId, id)?.sink.fail(timedOut(pending), false);
      else nextMs = Math.min(nextMs, pending.dueAtMs);
    }
    this.sweepAtMs = Infinity;
    this.cancelSweep = undefined;
    if (nextMs < Infinity) this.sweepAt(Math.max(nextMs, nowMs + SWEEP_MS));
  }

  /** Tells each node for which old requests this one still waits. What this node asks of itself is not lost. */
  private keepAlive(): void {
    const old = new Map<string, number[]>();
    let kept = 0;
    for (const [id, pending] of this.pending) {
      if (!isKept(pending)) continue;
      kept += 1;
      if (pending.age++ === 0 || !pending.isWritten || pending.bootId === this.mesh.self.bootId) continue;
      const ids = old.get(pending.bootId);
      if (ids) ids.push(id);
      else old.set(pending.bootId, [id]);
    }
    if (kept === 0) this.stopKeepAlive();
    for (const [bootId, ids] of old)
      for (let at = 0; at < ids.length; at += IDS_AT_ONCE)
        this.mesh.post(bootId, FrameKind.keepAlive, ids.slice(at, at + IDS_AT_ONCE));
  }

  private stopKeepAlive(): void {
    this.endKeepAlive?.();
    this.endKeepAlive = undefined;
  }
}

function pendingRequest(
  bootId: string,
  what: string,
  sink: AnswerSink,
  timeoutMs: number,
  nowMs: number,
): Pending {
  return {
    bootId,
    what,
    sink,
    timeoutMs,
    dueAtMs: nowMs + timeoutMs,
    parts: 0,
    unlisten: undefined,
    isWritten: false,
    gone: undefined,
    age: 0,
  };
}

function isKept({ timeoutMs }: Pending): boolean {
  return timeoutMs === Infinity;
}

function ignore(): void {}

/** What such an error says of a message that was to be sent: it never went. */
function isNeverSent(error: unknown): boolean {
  return error instanceof PeerageError && ['PEER_GONE', 'NO_SUCH_PEER', 'OVERLOADED'].includes(error.code);
}

function aborted(topic: string, signal: AbortSignal): PeerageError {
  return new PeerageError('ABORTED', `The request ${JSON.stringify(topic)} was aborted.`, {
    cause: signal.reason,
  });
}

function timedOut({ what, timeoutMs }: Pending): PeerageError {
  return new PeerageError(
    'REQUEST_TIMEOUT',
    `The request ${JSON.stringify(what)} got no answer within ${timeoutMs} ms. It may have been handled all the same.`,
  );
}
