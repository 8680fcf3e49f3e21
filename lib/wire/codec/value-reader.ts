import { FORBIDDEN_KEY } from '../../naming/sendable-text.js';
import { ARRAY_BUFFER, DATA_VIEW, Extension, MAX_DEPTH, MAX_PARTS, Tag, VIEWS } from './format.js';
import { StringCache } from './familiar-strings.js';
import { readAscii, readUtf8 } from './utf8.js';

/**
 * Strings up to this length are made faster here than by a call into the runtime, and are often ones that
 * came before: units, states, types.
 */
const SHORT_STRING = 8;
const LAST_SHORT = Tag.smallString + SHORT_STRING;
/** An array that claims to be longer gets its room as its items come. */
const TRUSTED_LENGTH = 256;

/** The bytes are no value of ours. */
export class MalformedValue extends Error {}

/** One float64, and its two halves: which one is the high one is up to the machine. */
const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

const BUILT_IN_ERRORS: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/**
 * Reads what a `ValueWriter` wrote, and nothing else. Nothing in a value refers to the bytes it was read
 * from, and it takes memory in proportion to them.
 */
export class ValueReader {
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private end = 0;
  /** Parts of the value at hand so far. */
  private parts = 0;
  private readonly familiar = new StringCache();

  /**
   * The one value that lies between two offsets.
   *
   * @throws MalformedValue
   */
  read(bytes: Buffer, start: number, end: number): unknown {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.parts = 0;
    const value = this.value(0);
    if (this.at !== end) throw new MalformedValue();
    return value;
  }

  private value(depth: number): unknown {
    if (this.at >= this.end) throw new MalformedValue();
    const tag = this.bytes[this.at++]!;
    if (tag < Tag.smallMap) return tag;
    if (tag < Tag.smallArray) return this.fields(tag - Tag.smallMap, depth);
    if (tag < Tag.smallString) return this.array(tag - Tag.smallArray, depth);
    // Right below the top stand topics, which come again and again.
    if (tag < Tag.nil) return this.string(tag - Tag.smallString, depth === 1 || tag <= LAST_SHORT);
    if (tag >= Tag.negative) return tag - 0x100;
    return this.tagged(tag, depth);
  }

  private tagged(tag: number, depth: number): unknown {
    switch (tag) {
      case Tag.nil:
        return null;
      case Tag.false:
        return false;
      case Tag.true:
        return true;
      case Tag.binary8:
      case Tag.binary8 + 1:
      case Tag.binary8 + 2:
        return this.binary(this.uint(1 << (tag - Tag.binary8)));
      case Tag.extension8:
      case Tag.extension8 + 1:
      case Tag.extension8 + 2:
        return this.extension(this.uint(1 << (tag - Tag.extension8)));
      case Tag.float64:
        return this.float64();
      case Tag.uint8:
      case Tag.uint8 + 1:
      case Tag.uint8 + 2:
        return this.uint(1 << (tag - Tag.uint8));
      case Tag.int8:
        return (this.uint(1) << 24) >> 24;
      case Tag.int8 + 1:
        return (this.uint(2) << 16) >> 16;
      case Tag.int8 + 2:
        return this.uint(4) | 0;
      case Tag.int64:
        return this.bigInt(8);
      case Tag.mark:
        return this.marked(depth);
      case Tag.fixed8:
        return this.date();
      case Tag.string8:
      case Tag.string8 + 1:
      case Tag.string8 + 2:
        return this.string(this.uint(1 << (tag - Tag.string8)), depth === 1);
      case Tag.array16:
      case Tag.array16 + 1:
        return this.array(this.uint(2 << (tag - Tag.array16)), depth);
      case Tag.map16:
      case Tag.map16 + 1:
        return this.fields(this.uint(2 << (tag - Tag.map16)), depth);
      default:
        throw new MalformedValue();
    }
  }

  private array(length: number, depth: number): unknown[] {
    if (depth === MAX_DEPTH || length > this.end - this.at) throw new MalformedValue();
    this.count(length);
    // oxlint-disable-next-line unicorn/no-new-array -- room for so many, at once
    const array = length > TRUSTED_LENGTH ? [] : new Array<unknown>(length);
    for (let i = 0; i < length; i++) array[i] = this.value(depth + 1);
    return array;
  }

  private fields(length: number, depth: number): object {
    if (depth === MAX_DEPTH || 2 * length > this.end - this.at) throw new MalformedValue();
    this.count(length);
    const object: Record<string, unknown> = {};
    for (let i = 0; i < length; i++) {
      const key = this.key();
      if (key === FORBIDDEN_KEY) throw new MalformedValue();
      object[key] = this.value(depth + 1);
    }
    return object;
  }

  private count(parts: number): void {
    this.parts += parts;
    if (this.parts > MAX_PARTS) throw new MalformedValue();
  }

  private key(): string {
    const tag = this.uint(1);
    if (tag >= Tag.smallString && tag < Tag.nil) return this.string(tag - Tag.smallString, true);
    if (tag < Tag.string8 || tag > Tag.string8 + 2) throw new MalformedValue();
    return this.string(this.uint(1 << (tag - Tag.string8)), true);
  }

  private string(length: number, isFamiliar: boolean): string {
    const start = this.advance(length);
    const { bytes, at: end } = this;
    if (isFamiliar) {
      const known = this.familiar.get(bytes, start, end);
      if (known !== undefined) return known;
    }
    const text =
      (length <= SHORT_STRING ? readAscii(bytes, start, end) : undefined) ?? readUtf8(bytes, start, end);
    if (isFamiliar) this.familiar.add(bytes, start, end, text);
    return text;
  }

  private binary(length: number): Buffer {
    const start = this.advance(length);
    const copy = Buffer.allocUnsafeSlow(length);
    this.bytes.copy(copy, 0, start, start + length);
    return copy;
  }

  private extension(length: number): unknown {
    const type = this.uint(1);
    if (type === Extension.bigInt && length > 0) return this.bigInt(length);
    if (type === Extension.view && length > 0) return this.view(this.uint(1), length - 1);
    throw new MalformedValue();
  }

  private view(kind: number, length: number): unknown {
    const View = VIEWS[kind];
    const isWhole = View
      ? length % View.BYTES_PER_ELEMENT === 0
      : kind === ARRAY_BUFFER || kind === DATA_VIEW;
    if (!isWhole) throw new MalformedValue();
    const start = this.advance(length);
    // A copy, which also starts where its elements may start.
    const { buffer } = new Uint8Array(this.bytes.subarray(start, start + length));
    if (View) return new View(buffer);
    return kind === ARRAY_BUFFER ? buffer : new DataView(buffer);
  }

  private bigInt(length: number): bigint {
    const start = this.advance(length);
    const digits = this.bytes.toString('hex', start, start + length);
    return BigInt.asIntN(8 * length, BigInt(`0x${digits}`));
  }

  private date(): Date {
    if (this.uint(1) !== Extension.date) throw new MalformedValue();
    return new Date(this.float64());
  }

  private marked(depth: number): unknown {
    const type = this.uint(1);
    if (this.uint(1) !== 0) throw new MalformedValue();
    switch (type) {
      case Extension.undefined:
        return undefined;
      case Extension.set:
        return new Set(this.list(depth));
      case Extension.map:
        return mapOf(this.list(depth));
      case Extension.error:
        return errorOf(this.list(depth));
      default:
        throw new MalformedValue();
    }
  }

  private list(depth: number): unknown[] {
    const tag = this.uint(1);
    if (tag >= Tag.smallArray && tag < Tag.smallString) return this.array(tag - Tag.smallArray, depth);
    if (tag !== Tag.array16 && tag !== Tag.array16 + 1) throw new MalformedValue();
    return this.array(this.uint(2 << (tag - Tag.array16)), depth);
  }

  private float64(): number {
    const at = this.advance(8);
    const { bytes } = this;
    halves[HIGH] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    halves[1 - HIGH] =
      (bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!;
    return double[0]!;
  }

  private uint(size: number): number {
    const start = this.advance(size);
    const { bytes } = this;
    if (size === 1) return bytes[start]!;
    const high = (bytes[start]! << 8) | bytes[start + 1]!;
    return size === 2 ? high : high * 0x10000 + ((bytes[start + 2]! << 8) | bytes[start + 3]!);
  }

  /** Goes on by so many bytes. Returns where they start. */
  private advance(length: number): number {
    const start = this.at;
    if (length > this.end - start) throw new MalformedValue();
    this.at = start + length;
    return start;
  }
}

function mapOf(parts: readonly unknown[]): Map<unknown, unknown> {
  if (parts.length % 2 !== 0) throw new MalformedValue();
  const map = new Map<unknown, unknown>();
  for (let i = 0; i < parts.length; i += 2) map.set(parts[i], parts[i + 1]);
  return map;
}

function errorOf([name, message, code, causes, errors]: readonly unknown[]): Error {
  if (typeof name !== 'string' || typeof message !== 'string' || !Array.isArray(causes))
    throw new MalformedValue();
  const options = causes.length > 0 ? { cause: causes[0] as unknown } : undefined;
  const error = withoutStack(name, message, options, errors);
  const hidden = { configurable: true, writable: true, enumerable: false };
  if (error.name !== name) Object.defineProperty(error, 'name', { ...hidden, value: name });
  // Where it was read says nothing about where it was thrown.
  Object.defineProperty(error, 'stack', { ...hidden, value: `${name}: ${message}` });
  return code === undefined ? error : Object.assign(error, { code });
}

/** To capture a stack takes longer than all the rest. */
function withoutStack(
  name: string,
  message: string,
  options: ErrorOptions | undefined,
  errors: unknown,
): Error {
  const { stackTraceLimit } = Error;
  // Some freeze the built-ins.
  const isOurs = Reflect.set(Error, 'stackTraceLimit', 0);
  try {
    if (Array.isArray(errors)) return new AggregateError(errors, message, options);
    const Kind = Object.hasOwn(BUILT_IN_ERRORS, name) ? BUILT_IN_ERRORS[name]! : Error;
    return new Kind(message, options);
  } finally {
    if (isOurs) Error.stackTraceLimit = stackTraceLimit;
  }
}
