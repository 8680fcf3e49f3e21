import type { ReadNames } from './read-names.js';

const MAX_REMEMBERED = 100;

/** Warns of what is odd about the answers of one provider: of each malformed name once, of too many names once. */
export class AnswerWarnings {
  private readonly warned = new Set<string>();
  private wasCut = false;

  constructor(
    private readonly provider: string,
    private readonly limit: number,
    /** Of which option the limit is. */
    private readonly option: 'polledNames' | 'hintedNames',
    private readonly warn: (message: string) => void,
  ) {}

  look({ invalid, isCut }: ReadNames): void {
    const news = invalid.filter((name) => !this.warned.has(name));
    if (news.length > 0 && this.warned.size < MAX_REMEMBERED) {
      for (const name of news) this.warned.add(name);
      const list = news.map((name) => JSON.stringify(name)).join(', ');
      this.warn(`Provider ${this.provider} gave names that are skipped, as they are not app@host: ${list}`);
    }
    if (isCut && !this.wasCut)
      this.warn(
        `Provider ${this.provider} gave more than ${this.limit} names${this.option === 'hintedNames' ? ' between polls' : ''}; ` +
          `the rest is ignored. Raise limits.${this.option} if that is what you want.`,
      );
    this.wasCut = isCut;
  }
}
