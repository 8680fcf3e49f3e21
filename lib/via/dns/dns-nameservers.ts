import { Sleeper } from '../../time/sleeper.js';
import type { AddressFamily, AddressMemory } from './dns-families.js';
import type { AddressAnswer } from './dns-resolver.js';
import { resolveAddresses, withResolver } from './dns-resolver.js';

/** However short the TTL: Consul says 0. */
const LEAST_MS = 2_000;
/** Replicas that heard the same answer do not all ask at once, nor before a cache has let go of it. */
const SPREAD = 0.2;
/** What a timer takes. */
const MAX_MS = 2 ** 31 - 1;

/** Asks name servers for the addresses of a name, and knows how long their last answer stands. */
export class NameserverLookup {
  private readonly memory: AddressMemory = new Map();
  private known: ReadonlySet<string> = new Set();
  /** When the last answer is over. Nobody knows that of an empty one, nor of a failure. */
  private overAtMs = Infinity;
  /** Woken by the next answer. */
  private sleeper: Sleeper | undefined;

  constructor(
    readonly dnsName: string,
    private readonly family: AddressFamily,
    readonly nameservers: readonly string[],
  ) {}

  /** @throws PeerageError `PROVIDER_FAILED`, `PROVIDER_TIMEOUT`, `ABORTED` */
  async addresses(signal: AbortSignal): Promise<string[]> {
    try {
      const { addresses, ttlMs } = await this.ask(signal);
      this.known = new Set(addresses);
      this.endsIn(ttlMs);
      return addresses;
    } catch (error) {
      this.endsIn(undefined);
      throw error;
    }
  }

  /**
   * Asks again whenever the last answer is over, and hands over the addresses that are new. What fails, the
   * next poll tells.
   */
  async keepAsking(signal: AbortSignal, found: (addresses: readonly string[]) => void): Promise<void> {
    this.sleeper = new Sleeper(signal);
    while (!signal.aborted) {
      const leftMs = this.overAtMs - performance.now();
      if (leftMs > 0) await this.sleeper.sleep(Math.min(leftMs, MAX_MS));
      else await this.handOverNew(signal, found);
    }
  }

  private async handOverNew(
    signal: AbortSignal,
    found: (addresses: readonly string[]) => void,
  ): Promise<void> {
    const before = this.known;
    const addresses = await this.addresses(signal).catch(() => []);
    const news = addresses.filter((address) => !before.has(address));
    if (news.length > 0 && !signal.aborted) found(news);
  }

  private ask(signal: AbortSignal): Promise<AddressAnswer> {
    return withResolver(this, signal, (resolver) =>
      resolveAddresses(resolver, this.dnsName, this.family, this.memory),
    );
  }

  private endsIn(ttlMs: number | undefined): void {
    const lifeMs = ttlMs === undefined ? Infinity : Math.max(ttlMs, LEAST_MS);
    this.overAtMs = performance.now() + lifeMs * (1 + SPREAD * Math.random());
    this.sleeper?.wake();
  }
}
