import type { ModulesContainer } from '@nestjs/core';

/** An instance that Nest may call this hook of. */
interface Hooked {
  onApplicationBootstrap?: () => unknown;
}

/** What Nest keeps of an instance, as far as it is read. */
interface Host {
  readonly instance: unknown;
  isDependencyTreeStatic(): boolean;
}

interface BootstrapEnd {
  /** All hooks have ended. */
  readonly ended: () => void;
  /** One has failed: none of those that come later is called, and the app has not started. */
  readonly failed: () => void;
}

/**
 * Calls back when the `onApplicationBootstrap` hooks of all modules have ended, or one of them has failed. Nest has no
 * event for that: hooks are extended, and that of the class of the module that comes last is the last one. Returns
 * whether the end will be told.
 */
export function whenBootstrapped(modules: ModulesContainer, { ended, failed }: BootstrapEnd): boolean {
  // As Nest sorts them.
  const sorted = [...modules.values()].sort((a, b) => b.distance - a.distance);
  const last = sorted.at(-1);
  const lastHost = last?.getProviderByKey(last.metatype) as Host | undefined;
  for (const { providers, controllers, injectables, middlewares } of sorted)
    for (const host of [providers, controllers, injectables, middlewares].flatMap((each) => [
      ...each.values(),
    ]))
      if (host !== lastHost) extend(host, { failed });
  return extend(lastHost, { ended, failed });
}

/** Not twice: an instance may be provided under several tokens. */
const extended = new WeakSet<object>();

/** Where the end is wanted, an instance that has no such hook is given one. */
function extend(
  host: Host | undefined,
  { ended, failed }: Partial<BootstrapEnd> & Pick<BootstrapEnd, 'failed'>,
): boolean {
  try {
    const instance = host?.instance as Hooked | undefined;
    if (typeof instance !== 'object' || instance === null || extended.has(instance)) return false;
    if (!host?.isDependencyTreeStatic() || !Object.isExtensible(instance)) return false;
    const own = instance.onApplicationBootstrap;
    if (typeof own !== 'function' && !ended) return false;
    Object.defineProperty(instance, 'onApplicationBootstrap', {
      configurable: true,
      writable: true,
      value: async () => {
        try {
          await own?.call(instance);
        } catch (error) {
          failed();
          throw error;
        }
        ended?.();
      },
    });
    extended.add(instance);
    return true;
  } catch {
    // Not an object of the usual kind, as mocks are: its hook stays as it is.
    return false;
  }
}
