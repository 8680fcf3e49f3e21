/** So many announcements in a row that do not come back are no bad luck. */
const TOLD_AFTER = 3;

/**
 * What this host sends to the group comes back to it, on each interface where it listens. Where it does not, a firewall
 * drops it, and others are not heard there either.
 */
export class UdpEchoes {
  /** Announcements since one came back, by the address from which they were sent. */
  private readonly missing = new Map<string, number>();
  private isFirst = true;

  /** An announcement is about to leave from these addresses, and from no others. */
  announced(addresses: readonly string[]): void {
    this.isFirst = false;
    for (const address of this.missing.keys()) if (!addresses.includes(address)) this.missing.delete(address);
    for (const address of addresses) this.missing.set(address, (this.missing.get(address) ?? 0) + 1);
  }

  /** One came back. */
  heard(address: string): void {
    if (this.missing.has(address)) this.missing.set(address, 0);
  }

  /** There was none yet, or the last one has not come back somewhere: nobody knows yet whether the next ones will. */
  get isDoubtful(): boolean {
    return this.isFirst || [...this.missing.values()].some((count) => count > 0 && count < TOLD_AFTER);
  }

  /** The addresses to which nothing comes back. */
  get unheard(): string[] {
    return [...this.missing].filter(([, count]) => count >= TOLD_AFTER).map(([address]) => address);
  }
}
