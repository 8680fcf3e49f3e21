import type { NodeInfo } from '../../naming/node-info.js';
import { canonicalName } from '../../naming/node-name.js';
import type { RegistryEntry } from './registry.js';

/**
 * Tells another live node that has our name from a process that was killed, and was started again as this one: the
 * entry of that one expires.
 */
export class Namesakes {
  /** When it was first seen, by our name and the other boot id. */
  private seenSince = new Map<string, number>();

  /** `expiresInMs`: so long after its first sight, an entry is there no more that nobody refreshes. */
  constructor(private readonly expiresInMs: number) {}

  /** The boot id of a live node that is registered under our name. `askedAtMs`: when these entries were asked for. */
  look(
    { name, bootId: ownBootId }: Pick<NodeInfo, 'name' | 'bootId'>,
    entries: readonly RegistryEntry[],
    askedAtMs: number,
  ): string | undefined {
    const ownName = canonicalName(name);
    // The entry of a name that it had before lasts on.
    const elsewhere = new Set(entries.filter((one) => one.name !== ownName).map(({ bootId }) => bootId));
    const others = entries.flatMap(({ name: its, bootId }) =>
      its === ownName && bootId !== undefined && bootId !== ownBootId && !elsewhere.has(bootId)
        ? [bootId]
        : [],
    );
    const before = this.seenSince;
    this.seenSince = new Map(
      others.map((bootId) => [`${ownName} ${bootId}`, before.get(`${ownName} ${bootId}`) ?? askedAtMs]),
    );
    return others.find(
      (bootId) => askedAtMs - this.seenSince.get(`${ownName} ${bootId}`)! >= this.expiresInMs,
    );
  }
}
