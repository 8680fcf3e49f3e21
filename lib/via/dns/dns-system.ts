import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { orAborted } from '../../time/abortable.js';
import { isNoSuchRecord, lookupAborted, lookupFailed } from './dns-errors.js';
import type { AddressFamily, AddressMemory, FamilyAnswer } from './dns-families.js';
import { familiesOf, uniteFamilies } from './dns-families.js';

/** A failure that took longer was a name server that does not answer. */
const SLOW_MS = 2_000;

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
      const { family } = this;
      const answers = family === 0 ? await this.askBoth() : new Map([[family, await this.settled(family)]]);
      return uniteFamilies(answers, this.memory);
    } catch (error) {
      throw lookupFailed(this.dnsName, error);
    }
  }

  /**
   * The answer to the common question is not believed where it has nothing: glibc passes over the failure of one
   * record type, and musl makes one type that fails or does not exist the answer for both. So what is missing is
   * asked for by itself, when there is nothing at all or there was something before.
   */
  private async askBoth(): Promise<Map<4 | 6, FamilyAnswer>> {
    const startedAtMs = performance.now();
    const [both] = await Promise.allSettled([lookupAll(this.dnsName, 0)]);
    const isSlow = performance.now() - startedAtMs > SLOW_MS;
    const found = both.status === 'fulfilled' ? both.value : [];
    const answers = new Map<4 | 6, FamilyAnswer>();
    for (const family of familiesOf(0)) {
      const ofFamily = found.filter((address) => isIPv6(address) === (family === 6));
      const isMissing = ofFamily.length === 0 && (found.length === 0 || this.knew(family));
      // Name servers that let a question hang let the next ones hang as well.
      if (both.status === 'rejected' && isSlow) answers.set(family, both);
      else
        answers.set(
          family,
          isMissing ? await this.settled(family) : { status: 'fulfilled', value: ofFamily },
        );
    }
    return answers;
  }

  private async settled(family: 4 | 6): Promise<FamilyAnswer> {
    const [answer] = await Promise.allSettled([lookupAll(this.dnsName, family)]);
    return answer;
  }

  private knew(family: 4 | 6): boolean {
    return (this.memory.get(family)?.length ?? 0) > 0;
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
