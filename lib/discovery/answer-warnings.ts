import type { LimitOptions } from '../peerage.options.js';
import type { ReadNames } from './read-names.js';

const MAX_REMEMBERED = 100;

/** How many names are taken of an answer, and of what is handed over between two. */
type NameLimits = Pick<LimitOptions, 'polledNames' | 'hintedNames'>;

/**
 * Warns of what is odd about the names of one provider: of each malformed one once, whichever part of the provider gave
 * it, and of too many once.
 */
export class AnswerWarnings {
  private readonly warned = new Set<string>();
  private readonly cut = new Set<keyof NameLimits>();

  constructor(
    private readonly provider: string,
    private readonly limits: NameLimits,
    private readonly warn: (message: string) => void,
  ) {}

  look({ invalid, isCut }: ReadNames, option: keyof NameLimits): void {
    const news = invalid.filter((name) => !this.warned.has(name));
    if (news.length > 0 && this.warned.size < MAX_REMEMBERED) {
      for (const name of news) this.warned.add(name);
      const list = news.map((name) => JSON.stringify(name)).join(', ');
      this.warn(`Provider ${this.provider} gave names that are skipped, as they are not app@host: ${list}`);
    }
    if (isCut && !this.cut.has(option))
      this.warn(
        `Provider ${this.provider} gave more than ${this.limits[option]} names${option === 'hintedNames' ? ' between polls' : ''}; ` +
          `the rest is ignored. Raise limits.${option} if that is what you want.`,
      );
    if (isCut) this.cut.add(option);
    else this.cut.delete(option);
  }
}
