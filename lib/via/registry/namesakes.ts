import type { NodeInfo } from '../../naming/node-info.js';
import { canonicalName } from '../../naming/node-name.js';
import type { RegistryEntry } from './registry.js';

/** The names that more than one process is registered under. */
export function sharedNames(entries: readonly RegistryEntry[]): string[] {
  const bootIds = new Map<string, Set<string>>();
  for (const { name, bootId } of entries)
    if (bootId !== undefined) bootIds.set(name, (bootIds.get(name) ?? new Set()).add(bootId));
  return [...bootIds].filter(([, { size }]) => size > 1).map(([name]) => name);
}

/** A live node that has our name, or had it until it took another one. */
export interface Namesake {
  readonly bootId: string;
  readonly hasMoved: boolean;
}

/**
 * Tells another live node that has our name from a process that was killed, and was started again as this one: the
 * entry of that one expires.
 */
export class Namesakes {
  /** When it was first seen, by our name and the other boot id. */
  private seenSince = new Map<string, number>();

  /** `expiresInMs`: so long after its first sight, an entry is there no more that nobody refreshes. */
  constructor(private readonly expiresInMs: number) {}

  /** Another live node of our name. `askedAtMs`: when these entries were asked for. */
  look(
    { name, bootId: ownBootId }: Pick<NodeInfo, 'name' | 'bootId'>,
    entries: readonly RegistryEntry[],
    askedAtMs: number,
  ): Namesake | undefined {
    const ownName = canonicalName(name);
    const keyOf = (bootId: string | undefined): string => `${ownName} ${bootId}`;
    // The entry of a name that it had before may last on.
    const elsewhere = new Set(entries.filter((one) => one.name !== ownName).map(({ bootId }) => bootId));
    const others = entries.flatMap(({ name: its, bootId }) =>
      its === ownName && bootId !== undefined && bootId !== ownBootId && !elsewhere.has(bootId)
        ? [bootId]
        : [],
    );
    const before = this.seenSince;
    this.seenSince = new Map(others.map((bootId) => [keyOf(bootId), before.get(keyOf(bootId)) ?? askedAtMs]));
    const live = others.find((bootId) => askedAtMs - this.seenSince.get(keyOf(bootId))! >= this.expiresInMs);
    if (live !== undefined) return { bootId: live, hasMoved: false };
    // Nobody who is gone takes another name.
    const moved = [...elsewhere].find((bootId) => before.has(keyOf(bootId)));
    return moved === undefined ? undefined : { bootId: moved, hasMoved: true };
  }
}
