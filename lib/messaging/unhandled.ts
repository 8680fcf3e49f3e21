/** Topics that are told apart; what comes beyond is only counted. */
const MAX_TOPICS = 1_000;
const SHOWN_TOPICS = 5;

/** One-way messages that nobody here handles. */
export class Unhandled {
  private readonly counts = new Map<string, number>();
  private total = 0;

  /** Returns whether the topic is new. */
  add(topic: string): boolean {
    this.total++;
    const count = this.counts.get(topic);
    if (count === undefined && this.counts.size >= MAX_TOPICS) return false;
    this.counts.set(topic, (count ?? 0) + 1);
    return count === undefined;
  }

  /** One sentence about them, when there were any. */
  describe(): string[] {
    if (this.total === 0) return [];
    const topics = [...this.counts].sort(([, a], [, b]) => b - a);
    const shown = topics
      .slice(0, SHOWN_TOPICS)
      .map(([topic, count]) => `${JSON.stringify(topic)} (${count})`);
    const more = topics.length > SHOWN_TOPICS ? ', …' : '';
    return [`${this.total} messages came on topics that nobody here handles: ${shown.join(', ')}${more}.`];
  }
}
