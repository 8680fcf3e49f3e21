import { AsyncResource } from 'node:async_hooks';

/** Made when the package is loaded: nobody's request is under way then. */
const root = new AsyncResource('Peerage');

/**
 * Runs something outside of whatever its caller is in (`AsyncLocalStorage`, a trace), so that what goes on for long, or
 * serves others, does not seem to belong to it, nor keep it in memory.
 */
export function inRootContext<T>(run: () => T): T {
  return root.runInAsyncScope(run);
}
