/** Bounds on what strangers on the network can make us remember and do. */
export interface HeardLimits {
  readonly names: number;
  /** A name unheard this long is forgotten. */
  readonly forgetMs: number;
  /** Between two reports of one name. */
  readonly reportEveryMs: number;
  /** Heard again after at least this, a name is no passing forgery. One datagram may arrive twice at once. */
  readonly confirmAfterMs: number;
  /** New names reported at their first hearing: so many at once, then so many a second. */
  readonly newAtOnce: number;
  readonly newPerSecond: number;
}

export const HEARD_LIMITS: HeardLimits = {
  names: 1_024,
  forgetMs: 30_000,
  reportEveryMs: 250,
  confirmAfterMs: 50,
  newAtOnce: 256,
  newPerSecond: 16,
};

/** What one announcement means. `report`: hand the name over now. */
export interface Hearing {
  readonly isNew: boolean;
  readonly report: boolean;
}

interface Heard {
  readonly source: string;
  readonly firstAtMs: number;
  lastAtMs: number;
  confirmed: boolean;
  reportedAtMs?: number;
}

/**
 * The names heard lately, in bounded memory. In a flood of forged names the forgeries push out each other:
 * the sender with the most names loses one first, and of its names one that was heard only once. A name
 * that is heard again is reported even while the flood has used up the allowance for new ones.
 */
export class HeardNames {
  /** Least recently heard first. */
  private readonly heard = new Map<string, Heard>();
  private readonly namesOfSource = new Map<string, number>();
  private allowance: number;
  private allowanceAtMs = 0;

  constructor(private readonly limits: HeardLimits = HEARD_LIMITS) {
    this.allowance = limits.newAtOnce;
  }

  hear(name: string, source: string, nowMs: number): Hearing {
    this.forgetOld(nowMs);
    const known = this.heard.get(name);
    const heard = known ?? { source, firstAtMs: nowMs, lastAtMs: nowMs, confirmed: false };
    if (known) this.heard.delete(name);
    else this.makeRoom(source);
    heard.lastAtMs = nowMs;
    heard.confirmed ||= nowMs - heard.firstAtMs >= this.limits.confirmAfterMs;
    this.heard.set(name, heard);
    const report = this.isDue(heard, nowMs);
    if (report) heard.reportedAtMs = nowMs;
    return { isNew: !known, report };
  }

  /** The names that were reported and are still heard: those heard more than once first, newest first. */
  names(nowMs: number): string[] {
    this.forgetOld(nowMs);
    const newestFirst = [...this.heard].filter(([, heard]) => heard.reportedAtMs !== undefined).toReversed();
    const confirmed = newestFirst.filter(([, heard]) => heard.confirmed);
    const others = newestFirst.filter(([, heard]) => !heard.confirmed);
    return [...confirmed, ...others].map(([name]) => name);
  }

  get size(): number {
    return this.heard.size;
  }

  private isDue(heard: Heard, nowMs: number): boolean {
    if (heard.reportedAtMs !== undefined) return nowMs - heard.reportedAtMs >= this.limits.reportEveryMs;
    return heard.confirmed || this.takeAllowance(nowMs);
  }

  private takeAllowance(nowMs: number): boolean {
    const earned = (Math.max(0, nowMs - this.allowanceAtMs) * this.limits.newPerSecond) / 1_000;
    this.allowance = Math.min(this.limits.newAtOnce, this.allowance + earned);
    this.allowanceAtMs = nowMs;
    if (this.allowance < 1) return false;
    this.allowance -= 1;
    return true;
  }

  private forgetOld(nowMs: number): void {
    for (const [name, heard] of this.heard) {
      if (nowMs - heard.lastAtMs < this.limits.forgetMs) return;
      this.remove(name, heard);
    }
  }

  private makeRoom(source: string): void {
    if (this.heard.size >= this.limits.names) this.evictOne();
    this.namesOfSource.set(source, (this.namesOfSource.get(source) ?? 0) + 1);
  }

  private evictOne(): void {
    const greediest = this.greediestSource();
    let oldest: [string, Heard] | undefined;
    for (const [name, heard] of this.heard) {
      if (heard.source !== greediest) continue;
      oldest ??= [name, heard];
      if (!heard.confirmed) return this.remove(name, heard);
    }
    if (oldest) this.remove(...oldest);
  }

  private greediestSource(): string {
    let greediest = '';
    let most = 0;
    for (const [source, count] of this.namesOfSource) {
      if (count > most) [greediest, most] = [source, count];
    }
    return greediest;
  }

  private remove(name: string, heard: Heard): void {
    this.heard.delete(name);
    const left = (this.namesOfSource.get(heard.source) ?? 1) - 1;
    if (left > 0) this.namesOfSource.set(heard.source, left);
    else this.namesOfSource.delete(heard.source);
  }
}
