import { MAX_META_BYTES } from '../naming/node-info.js';
import { Faults } from './faults.js';

const MAX_DEPTH = 32;

/**
 * Adds what keeps `value` from being told to peers: it has to be plain data (what JSON can say) of at most 4
 * KiB.
 */
export function checkMeta(value: unknown, path: string, faults: Faults): void {
  if (!isPlainObject(value)) {
    faults.add(path, 'give a plain object, such as { version: "1.2.3" }.');
    return;
  }
  const problem = findImpurity(value, path, 0);
  if (problem) {
    faults.add(problem.path, problem.text);
    return;
  }
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > MAX_META_BYTES)
    faults.add(
      path,
      `is ${bytes} bytes as JSON; ${MAX_META_BYTES} are allowed, as every peer is told of it.`,
    );
}

/** What keeps a value from being plain data: what JSON can say. */
export function impurityOf(value: unknown, path: string): string | undefined {
  const problem = findImpurity(value, path, 0);
  return problem && `${problem.path}: ${problem.text}`;
}

/** A deep copy of plain data that nobody else can change; fields that are `undefined` are left out. */
export function copyPlain(value: unknown): unknown {
  return frozen(JSON.parse(JSON.stringify(value)));
}

/** Plain data that nobody can change from now on. */
export function frozen(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? freeze(value) : value;
}

/** A deep copy of checked meta that nobody else can change; fields that are `undefined` are left out. */
export function copyMeta(meta: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return freeze(JSON.parse(JSON.stringify(meta)) as Record<string, unknown>);
}

function findImpurity(
  value: unknown,
  path: string,
  depth: number,
): { path: string; text: string } | undefined {
  if (depth > MAX_DEPTH) return { path, text: 'is nested too deeply, or in a circle; flatten it.' };
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : { path, text: `${value} is no number that JSON can say.` };
  if (Array.isArray(value)) return firstImpurity(value.entries(), (i) => `${path}[${i}]`, depth);
  if (isPlainObject(value)) {
    const given = Object.entries(value).filter(([, item]) => item !== undefined);
    return firstImpurity(given, (key) => `${path}.${key}`, depth);
  }
  return {
    path,
    text: `${kindOf(value)} is not plain data; give strings, numbers, booleans, lists, objects.`,
  };
}

function firstImpurity<K>(entries: Iterable<[K, unknown]>, pathOf: (key: K) => string, depth: number) {
  for (const [key, item] of entries) {
    const found = findImpurity(item, pathOf(key), depth + 1);
    if (found) return found;
  }
  return undefined;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value);
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return value === undefined ? 'undefined' : `a ${typeof value}`;
  return `a ${value.constructor?.name ?? 'object'}`;
}

function freeze<T extends object>(value: T): Readonly<T> {
  for (const item of Object.values(value)) if (typeof item === 'object' && item !== null) freeze(item);
  return Object.freeze(value);
}
