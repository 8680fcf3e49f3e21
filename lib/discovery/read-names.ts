import { PeerageError } from '../errors/peerage-error.js';
import { nameOrUndefined } from '../naming/node-name.js';

/** What an answer amounts to. */
export interface ReadNames {
  /** Valid, canonical, each once, in the order of the answer. */
  readonly names: readonly string[];
  /** Malformed ones, each once, shortened, at most 20. */
  readonly invalid: readonly string[];
  /** The answer had more names than are taken. */
  readonly isCut: boolean;
}

const MAX_INVALID = 20;
const ADVICE = "Return a list of names, such as ['myapp@10.0.0.1'], or a promise of one.";

/**
 * Reads the answer of a provider, whatever it is. At most `limit` entries are looked at.
 *
 * @throws PeerageError `INVALID_RESULT` when it is no list.
 */
export function readNames(answer: unknown, limit: number): ReadNames {
  const names = new Set<string>();
  const invalid = new Set<string>();
  let count = 0;
  for (const entry of iterable(answer)) {
    if (++count > limit) break;
    const name = nameOrUndefined(entry);
    if (name !== undefined) names.add(name);
    else if (invalid.size < MAX_INVALID) invalid.add(shorten(entry));
  }
  return { names: [...names], invalid: [...invalid], isCut: count > limit };
}

function iterable(answer: unknown): Iterable<unknown> {
  if (typeof answer === 'string')
    throw invalidResult(`the text ${JSON.stringify(answer.slice(0, 80))} instead of a list`);
  if (typeof answer !== 'object' || answer === null)
    throw invalidResult(`${String(answer)} instead of a list`);
  if (Symbol.iterator in answer) return answer as Iterable<unknown>;
  if (Symbol.asyncIterator in answer) throw invalidResult('an async iterable, which is not read');
  throw invalidResult(`an object that is no list (${Object.keys(answer).slice(0, 5).join(', ') || 'empty'})`);
}

function shorten(entry: unknown): string {
  const text = typeof entry === 'string' ? entry : typeof entry;
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function invalidResult(what: string): PeerageError {
  return new PeerageError('INVALID_RESULT', `It gave ${what}. ${ADVICE}`);
}
