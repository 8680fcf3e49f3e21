import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { orAborted } from '../../time/abortable.js';
import { isNoSuchRecord, lookupAborted, lookupFailed } from './dns-errors.js';
import type { AddressFamily, AddressMemory, FamilyAnswer } from './dns-families.js';
import { familiesOf, uniteFamilies } from './dns-families.js';

/** Looks a name up as every other program on this host does: hosts file, search domains, TCP when needed. */
export class SystemLookup {
  private underWay?: Promise<string[]>;
  private readonly memory: AddressMemory = new Map();

  constructor(
    private readonly dnsName: string,
    private readonly family: AddressFamily,
  ) {}

  /** @throws PeerageError `PROVIDER_FAILED`, `PROVIDER_TIMEOUT`, `ABORTED` */
  async addresses(signal: AbortSignal): Promise<string[]> {
    // getaddrinfo holds a thread of a small pool and cannot be cancelled: one at a time, later polls join it.
    this.underWay ??= this.ask().finally(() => delete this.underWay);
    return orAborted(this.underWay, signal, () => lookupAborted(this.dnsName, signal));
  }

  private async ask(): Promise<string[]> {
    try {
      const found = await lookupAll(this.dnsName, this.family);
      const answers = new Map<4 | 6, FamilyAnswer>();
      for (const family of familiesOf(this.family)) {
        const ofFamily = found.filter((address) => isIPv6(address) === (family === 6));
        answers.set(family, await this.confirmed(family, ofFamily));
      }
      return uniteFamilies(answers, this.memory);
    } catch (error) {
      throw lookupFailed(this.dnsName, error);
    }
  }

  /**
   * Asked for both record types, the system passes over the failure of one. So when one of them has nothing
   * any more, it is asked for by itself before that is believed.
   */
  private async confirmed(family: 4 | 6, addresses: readonly string[]): Promise<FamilyAnswer> {
    const isGone = addresses.length === 0 && (this.memory.get(family)?.length ?? 0) > 0;
    const asked = isGone && this.family === 0 ? lookupAll(this.dnsName, family) : addresses;
    const [answer] = await Promise.allSettled([asked]);
    return answer;
  }
}

/** @throws the error of getaddrinfo; that there is no such name is no error. */
async function lookupAll(dnsName: string, family: AddressFamily): Promise<string[]> {
  try {
    return (await lookup(dnsName, { all: true, family })).map(({ address }) => address);
  } catch (error) {
    if (isNoSuchRecord(error)) return [];
    throw error;
  }
}
