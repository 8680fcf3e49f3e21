import { AsyncResource } from 'node:async_hooks';

/** Made when this package is loaded, which is before anybody's request. */
const root = new AsyncResource('PEERAGE');

/**
 * Runs `act` outside of the caller's `AsyncLocalStorage` stores. What lives longer than a call (a socket, a timer, a
 * worker) is made in here: otherwise it would keep the store of whoever happened to cause it, and all that comes by
 * it later would seem to be that one's.
 */
export function inRootContext<T>(act: () => T): T {
  // A resource of its own: a store that `act` enters must not stay in the one of all.
  return root.runInAsyncScope(() => new AsyncResource('PEERAGE').runInAsyncScope(act));
}
