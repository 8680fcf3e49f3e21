import { describeError, PeerageError } from '../errors/peerage-error.js';

/** The promise, or a rejection as soon as the signal aborts. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal, reason: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reason());
    if (signal.aborted) abort();
    promise.then(resolve, reject).finally(onAbort(signal, abort));
  });
}

/** What is told when `what` was given up because of this signal. */
export function abortedError(what: string, signal: AbortSignal): PeerageError {
  const cause: unknown = signal.reason;
  const isTimeout = (cause as { name?: unknown } | undefined)?.name === 'TimeoutError';
  if (isTimeout) return new PeerageError('PROVIDER_TIMEOUT', `${what} did not answer in time.`, { cause });
  return new PeerageError('ABORTED', `${what} was given up: ${describeError(cause)}`, { cause });
}

/**
 * Runs `work` under a signal that aborts with `signal`, or when the time is over. It leaves nothing on
 * `signal`, which may live as long as the app: `AbortSignal.any()` leaves a little there for each call.
 */
export async function underDeadline<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const aborter = new AbortController();
  const abort = (): void => aborter.abort(signal.reason);
  const timer = setTimeout(() => aborter.abort(timeUp(ms)), ms);
  if (signal.aborted) abort();
  const endWaiting = onAbort(signal, abort);
  try {
    return await work(aborter.signal);
  } finally {
    clearTimeout(timer);
    endWaiting();
  }
}

/** As the reason of `AbortSignal.timeout()`. */
export function timeUp(ms: number): DOMException {
  return new DOMException(`There was no answer within ${ms} ms`, 'TimeoutError');
}

interface Waiting {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

/** Who waits for a signal. */
const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls back when the signal aborts. However many wait for one signal, it has one listener of ours: from eleven on Node
 * would warn of a leak. Returns the function that ends it.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const entry = waiting.get(signal) ?? listenTo(signal);
  // A function of its own: the same callback may wait twice.
  const call = (): void => callback();
  entry.callbacks.add(call);
  return () => {
    entry.callbacks.delete(call);
    if (entry.callbacks.size > 0 || waiting.get(signal) !== entry) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', entry.listener);
  };
}

function listenTo(signal: AbortSignal): Waiting {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    waiting.delete(signal);
    for (const call of callbacks) call();
  };
  const entry = { callbacks, listener };
  waiting.set(signal, entry);
  signal.addEventListener('abort', listener, { once: true });
  return entry;
}
