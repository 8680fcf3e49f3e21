import { getEventListeners } from 'node:events';

/** What hangs on a signal: its listeners, and the signals that `AbortSignal.any()` made of it. */
export function hangingOn(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length + madeOf(signal);
}

/** Node lets go of the made signals, but never of the places that it kept for them. */
function madeOf(signal: AbortSignal): number {
  const key = Object.getOwnPropertySymbols(signal).find(
    (symbol) => symbol.description === 'kDependantSignals',
  );
  const made = key && (signal as unknown as Record<symbol, ReadonlySet<unknown> | undefined>)[key];
  return made?.size ?? 0;
}
