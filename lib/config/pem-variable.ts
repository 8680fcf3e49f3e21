import { readFileSync, statSync } from 'node:fs';
import { codeOf } from '../errors/thrown.js';

const BEGIN = '-----BEGIN ';
const MAX_BYTES = 1024 * 1024;
/** Longer is no path that anybody would write here, but may be a key that nobody should read in a log. */
const MAX_SHOWN = 150;

/**
 * The PEM of a variable: what it says, or what the file has that it names. Where a variable has but one line, its
 * lines are told apart by `\\n`.
 *
 * @throws Error that says what is wrong, and shows no key.
 */
export function readPem(text: string): string | Buffer {
  if (text.includes(BEGIN)) return text.replaceAll('\\n', '\n');
  if (text.length > MAX_SHOWN || /[\n\0]/.test(text))
    throw new Error(`is neither the path of a file nor PEM (${BEGIN}…).`);
  return readPemFile(text);
}

function readPemFile(path: string): Buffer {
  let problem: string;
  try {
    const stats = statSync(path);
    // A pipe would be waited for, and a device may never end.
    if (stats.isFile() && stats.size <= MAX_BYTES) return readFileSync(path);
    problem = stats.isFile() ? `has more than ${MAX_BYTES} bytes.` : 'is no file.';
  } catch (error) {
    problem = `cannot be read (${codeOf(error)}).`;
  }
  throw new Error(`the file ${path} ${problem}`);
}
