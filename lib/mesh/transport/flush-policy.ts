/** So many messages are worth a write of their own before the turn ends; so many do not wait for its end. */
const LEAST = 6;
const MOST = 128;

/** What is under way counts as high as it lately was: each turn takes so much of that away. */
const DECAY = 0.9;

/** After so long without a message nobody waits for an answer. */
const IDLE_MS = 1_000;

/**
 * When the messages for a peer are written: at the end of the turn, since one write for all of them costs least,
 * or sooner, since the peer is idle meanwhile. Who has many requests open writes the next ones in two halves, so
 * that both sides work at once: with 64 open that made 1.6 times as many requests a second, at the same cost
 * each (`npm run bench:messages`). Who only answers, or is never answered, waits for nothing: all goes at the end.
 */
export class FlushPolicy {
  /** Messages sent, less those that came: what the other side is at work on, where one answers one. */
  private open = 0;
  /** How many were open lately. */
  private peak = 0;
  private waiting = 0;
  /** So many are written before the turn ends. */
  private share = MOST;
  private isEarly = false;
  private writtenAtMs = Number.NEGATIVE_INFINITY;

  /** Whether what waits is to be written now, before more is added. */
  get shouldFlush(): boolean {
    return this.waiting >= this.share;
  }

  /** The next flush is one that `shouldFlush` asked for, and not the one at the end of the turn. */
  beforeEarlyFlush(): void {
    this.isEarly = true;
  }

  /** One more message waits to be written. */
  onQueued(): void {
    this.open += 1;
    this.waiting += 1;
  }

  /** A message of the peer came. */
  onReceived(): void {
    this.open -= 1;
  }

  /** What waited is written. */
  onFlushed(nowMs: number): void {
    if (this.waiting === 0) return;
    if (this.isEarly) this.share = MOST;
    else this.endTurn(nowMs);
    this.isEarly = false;
    this.writtenAtMs = nowMs;
    this.waiting = 0;
  }

  private endTurn(nowMs: number): void {
    if (nowMs - this.writtenAtMs > IDLE_MS) {
      this.open = Math.max(0, Math.min(this.open, this.waiting));
      this.peak = 0;
    }
    this.peak = Math.max(this.open, DECAY * this.peak);
    const half = Math.ceil(this.peak / 2);
    this.share = half < LEAST ? MOST : Math.min(half, MOST);
  }
}
