import { PeerageError } from '../errors/peerage-error.js';
import { describeError } from '../errors/thrown.js';
import { MAX_META_BYTES } from '../naming/node-info.js';
import { FORBIDDEN_KEY, HALF_A_CHARACTER, isSendableText } from '../naming/sendable-text.js';
import type { Faults } from './faults.js';

const MAX_DEPTH = 32;

/** Each part takes two bytes of JSON: a value with more has no room, and is not looked through. */
const MAX_PARTS = MAX_META_BYTES / 2;

/** A value as every node will have it, or what keeps it from being told. */
export type Plain =
  | {
      /** Nobody can change it. */
      readonly copy: unknown;
      /** What it takes as JSON. */
      readonly bytes: number;
    }
  | { readonly fault: NotPlain };

/** A part of a value that cannot be told to peers. */
export class NotPlain extends Error {
  constructor(
    readonly path: string,
    readonly problem: string,
  ) {
    super(`${path}: ${problem}`);
  }
}

/**
 * Copies what peers are told: plain data (what JSON can say, as far as it can be sent) of at most 4 KiB. Fields that
 * are `undefined` are left out. Each part is read once, so what was checked is what is told. Never throws.
 */
export function readPlain(value: unknown, path: string): Plain {
  try {
    const copy = new Copying().of(value, path, 0);
    const bytes = Buffer.byteLength(JSON.stringify(copy));
    if (bytes > MAX_META_BYTES) throw tooLong(path, `${bytes}`);
    return { copy, bytes };
  } catch (error) {
    return { fault: error instanceof NotPlain ? error : unreadable(path, error) };
  }
}

/** Adds what keeps `value` from being the meta of a node. */
export function checkMeta(value: unknown, path: string, faults: Faults): void {
  if (!isReadableObject(value)) return faults.add(path, 'give a plain object, such as { version: "1.2.3" }.');
  const read = readPlain(value, path);
  if ('fault' in read) faults.add(read.fault.path, read.fault.problem);
}

/**
 * A deep copy of meta that nobody else can change; fields that are `undefined` are left out.
 *
 * @throws PeerageError `INVALID_OPTIONS` when it is another one now than when it was checked
 */
export function copyMeta(meta: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const read = readPlain(meta, 'meta');
  if ('fault' in read) throw new PeerageError('INVALID_OPTIONS', read.fault.message);
  return read.copy as Readonly<Record<string, unknown>>;
}

class Copying {
  private parts = 0;

  of(value: unknown, path: string, depth: number): unknown {
    if (depth > MAX_DEPTH) throw new NotPlain(path, 'is nested too deeply, or in a circle; flatten it.');
    if (value === null || typeof value === 'boolean') return value;
    if (typeof value === 'string') {
      if (!isSendableText(value)) throw new NotPlain(path, `${HALF_A_CHARACTER}.`);
      return value;
    }
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw new NotPlain(path, `${value} is no number that JSON can say.`);
      // JSON has no negative zero.
      return value === 0 ? 0 : value;
    }
    if (Array.isArray(value)) return this.list(value, path, depth);
    if (isPlainObject(value)) return this.object(value, path, depth);
    throw new NotPlain(
      path,
      `${kindOf(value)} is not plain data; give strings, numbers, booleans, lists, objects.`,
    );
  }

  private list(items: readonly unknown[], path: string, depth: number): readonly unknown[] {
    const { length } = items;
    this.count(path, length);
    const copy: unknown[] = [];
    for (let i = 0; i < length; i++) copy.push(this.part(items, i, `${path}[${i}]`, depth));
    return Object.freeze(copy);
  }

  private object(value: object, path: string, depth: number): object {
    const keys = Object.keys(value);
    const copy: Record<string, unknown> = {};
    for (const key of keys) {
      if (key === FORBIDDEN_KEY) throw new NotPlain(path, `has the key ${key}, which no object may have.`);
      if (!isSendableText(key)) throw new NotPlain(path, `has a key that ${HALF_A_CHARACTER}.`);
      const item = this.part(value, key, `${path}.${key}`, depth);
      if (item === undefined) continue;
      this.count(path, 1);
      copy[key] = item;
    }
    return Object.freeze(copy);
  }

  /** Only a field may be undefined. */
  private part(holder: object, key: string | number, path: string, depth: number): unknown {
    let item: unknown;
    try {
      item = (holder as Readonly<Record<string | number, unknown>>)[key];
    } catch (error) {
      throw unreadable(path, error);
    }
    return item === undefined && typeof key === 'string' ? undefined : this.of(item, path, depth + 1);
  }

  private count(path: string, more: number): void {
    this.parts += more;
    if (!(this.parts <= MAX_PARTS)) throw tooLong(path, `more than ${MAX_META_BYTES}`);
  }
}

function tooLong(path: string, bytes: string): NotPlain {
  return new NotPlain(
    path,
    `is ${bytes} bytes as JSON; ${MAX_META_BYTES} are allowed, as every peer is told of it.`,
  );
}

function unreadable(path: string, error: unknown): NotPlain {
  return new NotPlain(path, `throws when it is read: ${describeError(error)}.`);
}

function isReadableObject(value: unknown): boolean {
  try {
    return isPlainObject(value);
  } catch {
    return false;
  }
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
