import { describeError, PeerageError } from '../errors/peerage-error.js';

/** The promise, or a rejection as soon as the signal aborts. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal, reason: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reason());
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** What is told when `what` was given up because of this signal. */
export function abortedError(what: string, signal: AbortSignal): PeerageError {
  const cause: unknown = signal.reason;
  const isTimeout = (cause as { name?: unknown } | undefined)?.name === 'TimeoutError';
  if (isTimeout) return new PeerageError('PROVIDER_TIMEOUT', `${what} did not answer in time.`, { cause });
  return new PeerageError('ABORTED', `${what} was given up: ${describeError(cause)}`, { cause });
}

/** Waits, at most until the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
