import { PeerageError } from '../../errors/peerage-error.js';

/**
 * The names in the text of a file: a JSON array of strings, or one name a line, where `#` begins a comment.
 * Whether they are well-formed is not checked here.
 *
 * @throws PeerageError `PROVIDER_FAILED` when the text begins like JSON and is no array of strings, or is none in UTF-8.
 */
export function parseNames(text: string): string[] {
  // In UTF-16 every second byte of a name is one; a single one is a line that is no name.
  if (3 * (text.split('\0').length - 1) > text.length)
    throw notNames(
      'it is no text in UTF-8 (UTF-16, as some programs of Windows write it, has to be converted)',
    );
  const content = text.replace(/^\uFEFF/, '');
  return /^\s*[[{"]/.test(content) ? parseJson(content) : parseLines(content);
}

function parseLines(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

function parseJson(text: string): string[] {
  const value = jsonOf(text);
  if (!Array.isArray(value)) throw notNames('it is JSON, but no array');
  const odd = value.findIndex((item) => typeof item !== 'string');
  if (odd >= 0) throw notNames(`item ${odd} of its array is no text`);
  return value as string[];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notNames('it begins like JSON and is none; perhaps it is being written', cause);
  }
}

function notNames(why: string, cause?: unknown): PeerageError {
  return new PeerageError(
    'PROVIDER_FAILED',
    `${why}. Write one name a line, or a JSON array such as ["myapp@10.0.0.1"].`,
    { cause },
  );
}
