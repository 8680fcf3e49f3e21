import type { ModulesContainer } from '@nestjs/core';

/** An instance that Nest may call this hook of. */
interface Hooked {
  onApplicationBootstrap?: () => unknown;
}

/**
 * Calls back when the `onApplicationBootstrap` hooks of all modules have ended. Nest has no event for that: the
 * hook of the class of the module that comes last is the last one, so it is extended. Returns whether that was
 * possible.
 */
export function whenBootstrapped(modules: ModulesContainer, callback: () => void): boolean {
  // As Nest sorts them.
  const last = [...modules.values()].sort((a, b) => b.distance - a.distance).at(-1);
  const host = last?.getProviderByKey(last.metatype);
  const instance = host?.instance as Hooked | undefined;
  if (!instance || !host?.isDependencyTreeStatic() || !Object.isExtensible(instance)) return false;
  const own = instance.onApplicationBootstrap?.bind(instance);
  Object.defineProperty(instance, 'onApplicationBootstrap', {
    configurable: true,
    writable: true,
    value: async () => {
      await own?.();
      callback();
    },
  });
  return true;
}
