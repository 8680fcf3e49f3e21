import { isIP } from 'node:net';
import { isAppName, nameOrUndefined, parseNodeName } from '../naming/node-name.js';
import { describeError } from '../errors/peerage-error.js';
import { didYouMean } from '../naming/did-you-mean.js';
import { withoutScope } from './app-name.js';
import type { Faults } from './faults.js';
import { show } from './faults.js';
import { isNotExpanded, isPlaceholder } from '../naming/unexpanded.js';
import { withoutBrackets } from '../naming/hosts.js';

/** Looks at one value and adds what is wrong with it to the faults. Values that were left out are not shown to it. */
export type Check = (value: unknown, path: string, faults: Faults) => void;

/** The longest time that a timer can take, with room for jitter. */
export const MAX_MS = 1_000_000_000;

/** An integer within bounds. */
export function integer(min: number, max: number, unit = ''): Check {
  return (value, path, faults) => {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
    faults.add(path, `${show(value)} does not work; give an integer from ${min} to ${max}${unit}.`);
  };
}

/** Milliseconds, at least `min`. */
export const milliseconds = (min: number): Check => integer(min, MAX_MS, ' (milliseconds)');

/** `true` or `false`. */
export const flag: Check = (value, path, faults) => {
  if (typeof value !== 'boolean') faults.add(path, `${show(value)} does not work; give true or false.`);
};

/** A short label for people and for comparison. */
export const label: Check = (value, path, faults) => {
  if (isUnexpanded(value, path, faults)) return;
  if (typeof value === 'string' && /^[^\p{Cc}]{1,255}$/u.test(value) && value.trim() === value) return;
  faults.add(path, `${show(value)} does not work; give 1 to 255 characters without spaces around them.`);
};

/** What stands before the @ of a node name. */
export const appName: Check = (value, path, faults) => {
  if (isUnexpanded(value, path, faults) || isAppName(value)) return;
  faults.add(
    path,
    `${show(value)} does not work; give a name without @ and spaces, such as "${nameLike(value)}".`,
  );
};

/** A name that every node of every app would have whose variable nobody replaced. */
function isUnexpanded(value: unknown, path: string, faults: Faults): boolean {
  if (typeof value !== 'string' || !isPlaceholder(value)) return false;
  faults.add(path, `${show(value)} was not expanded by whoever sets it.`);
  return true;
}

/** `nestjs-api` for `NestJS API`. */
function nameLike(value: unknown): string {
  const name =
    typeof value === 'string' ? withoutScope(value.trim().toLowerCase()).replace(/^-+|-+$/g, '') : '';
  return name !== '' && name.length <= 63 && isAppName(name) ? name : 'myapp';
}

/** A whole node name. */
export const nodeName: Check = (value, path, faults) => {
  try {
    parseNodeName(value as string);
  } catch (error) {
    faults.add(path, `${describeError(error)} Give one such as "myapp@10.0.0.1" or "myapp@10.0.0.1:4371".`);
  }
};

/** An address or a host name, without a port. An IPv6 address may stand in brackets. */
export const host: Check = (value, path, faults) => {
  const text = typeof value === 'string' ? withoutBrackets(value) : '';
  if (isIP(text) !== 0 || (!text.includes(':') && nameOrUndefined(`a@${text}`) !== undefined)) return;
  const why = isNotExpanded(text) ? 'was not expanded by whoever sets it' : 'does not work';
  faults.add(path, `${show(value)} ${why}; give an address or a host name, without a port.`);
};

/** An object with these fields and no others. */
export function objectOf(fields: Readonly<Record<string, Check>>, noun = 'option'): Check {
  const known = Object.keys(fields);
  return (value, path, faults) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      faults.add(path, `${show(value)} does not work; give an object with ${known.join(', ')}.`);
      return;
    }
    for (const [key, item] of Object.entries(value)) {
      const itemPath = path === '' ? key : `${path}.${key}`;
      const check = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (!check) faults.add(itemPath, unknownKey(noun, key, known));
      else if (item !== undefined) check(item, itemPath, faults);
    }
  };
}

/** Adds a fault for every one of `keys` that is missing. */
export function required(check: Check, keys: readonly string[]): Check {
  return (value, path, faults) => {
    check(value, path, faults);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const key of keys) {
      if ((value as Record<string, unknown>)[key] === undefined) faults.add(`${path}.${key}`, 'is missing.');
    }
  };
}

function unknownKey(noun: string, key: string, known: readonly string[]): string {
  const near = didYouMean(key, known);
  return near ? `there is no such ${noun}; did you mean "${near}"?` : `there is no such ${noun}; remove it.`;
}
