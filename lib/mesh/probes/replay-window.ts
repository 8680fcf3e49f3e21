/** How far behind the highest count a probe may come, because the network shuffled it. */
const WIDTH = 32;

/** Which probes of one sender have come already. */
export class ReplayWindow {
  private highest = 0;
  /** Bit `n`: the one that is `n` below the highest has come. */
  private seen = 0;

  /** Whether this one is new. It is not, from then on. */
  take(count: number): boolean {
    const ahead = count - this.highest;
    if (ahead > 0) {
      this.seen = ahead < WIDTH ? (this.seen << ahead) | 1 : 1;
      this.highest = count;
      return true;
    }
    if (-ahead >= WIDTH) return false;
    const bit = 1 << -ahead;
    if ((this.seen & bit) !== 0) return false;
    this.seen |= bit;
    return true;
  }
}
