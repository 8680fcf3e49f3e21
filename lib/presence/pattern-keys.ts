import { createHash } from 'node:crypto';
import { MAX_KEY } from './presence-wire.js';

/** The presence in which each node has the patterns that it serves. */
export const PATTERNS = '$served';

const WHOLE = '=';

/** What stands for a pattern in presence, whose keys are short. */
export function keyOf(pattern: string): string {
  return pattern.length < MAX_KEY ? `${WHOLE}${pattern}` : createHash('sha256').update(pattern).digest('hex');
}

/** The pattern of a key; of a long pattern what stands for it. */
export function patternOf(key: string): string {
  return key.startsWith(WHOLE) ? key.slice(WHOLE.length) : key;
}
