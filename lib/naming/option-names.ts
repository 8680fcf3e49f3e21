import { PeerageError } from '../errors/peerage-error.js';
import { didYouMean } from './did-you-mean.js';

/** Shorter ones are short for anything. */
const MIN_SHORT = 3;

/** The names of all options of a kind: the compiler sees that none is missing. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * Looks whether there are such options, before anybody looks at what they say: one that nobody reads is a slip.
 *
 * @param maker `viaDns()`, for the message
 * @throws PeerageError `INVALID_OPTIONS`
 */
export function assertOptionNames<T>(maker: string, options: unknown, names: OptionNames<T>): void {
  const known = Object.keys(names);
  const list = known.join(', ');
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new PeerageError('INVALID_OPTIONS', `${maker} takes an object with ${list}.`);
  const faults = Object.keys(options).filter((key) => !known.includes(key));
  if (faults.length === 0) return;
  const told = faults.map((key) => {
    const near = didYouMean(key, known) ?? shortOrLong(key, known);
    return `${JSON.stringify(key)}${near === undefined ? '' : ` (did you mean "${near}"?)`}`;
  });
  throw new PeerageError('INVALID_OPTIONS', `${maker} has no option ${told.join(', ')}; there are ${list}.`);
}

/** `dir` for `directory`, and the other way round. */
function shortOrLong(word: string, known: readonly string[]): string | undefined {
  const isShortFor = (short: string, long: string): boolean =>
    short.length >= MIN_SHORT && long.toLowerCase().startsWith(short.toLowerCase());
  return known.find((candidate) => isShortFor(candidate, word) || isShortFor(word, candidate));
}
