import { types } from 'node:util';
import { ARRAY_BUFFER, DATA_VIEW, Extension, FORBIDDEN_KEY, MAX_DEPTH, Tag, VIEWS } from './format.js';
import { writeShortUtf8, writeUtf8 } from './utf8.js';

/** Values are written one after the other into slabs of this size. */
const SLAB_BYTES = 64 * 1024;
/** A value is not begun in a slab with less room than this. */
const SPARE_BYTES = 1024;
/** Strings up to this length are copied faster here than by a call into the runtime. */
const SHORT_STRING = 20;
/** What a number, or the header of anything, takes at most. */
const HEADER_ROOM = 16;

const VIEW_NAMES: readonly string[] = VIEWS.map(({ name }) => name);

/** The value cannot be sent. Which part of it, and why, is for `explainUnsendable` to find out. */
export class UnsendableValue extends Error {}

/** The value takes more bytes than it may. */
export class ValueTooLarge extends Error {}

/**
 * Writes values as MessagePack, into memory that it takes in slabs. What was written is never touched again:
 * the next value follows behind it.
 */
export class ValueWriter {
  /** The slab at hand. */
  bytes: Buffer = Buffer.alloc(0);
  /** Where the value at hand starts in it. */
  start = 0;
  /** Where its next byte goes. */
  at = 0;
  private view = new DataView(this.bytes.buffer);
  private maxBytes = 0;

  constructor(private readonly slabBytes = SLAB_BYTES) {}

  /** Begins a value: leaves some bytes free before it, and holds both together to a limit. */
  begin(headerBytes: number, maxBytes: number): void {
    if (this.bytes.length - this.at < SPARE_BYTES) this.take(Buffer.allocUnsafeSlow(this.slabBytes), 0);
    this.start = this.at;
    this.at += headerBytes;
    this.maxBytes = maxBytes;
  }

  /** Forgets the value at hand. */
  abandon(): void {
    this.at = this.start;
    // The slab of a long one is not kept for short ones.
    if (this.bytes.length > this.slabBytes) this.take(Buffer.alloc(0), 0);
    this.start = this.at;
  }

  /** Takes over a value that another writer wrote, with what is before it. */
  copy(source: Buffer, start: number, end: number): void {
    if (this.bytes.length - this.at < end - start) this.grow(end - start);
    this.at += source.copy(this.bytes, this.at, start, end);
  }

  /** @throws UnsendableValue, ValueTooLarge, and what a getter or a `toJSON` in the value throws */
  write(value: unknown, depth = 0): void {
    if (this.bytes.length - this.at < HEADER_ROOM) this.grow(HEADER_ROOM);
    switch (typeof value) {
      case 'string':
        return this.string(value);
      case 'number':
        return this.number(value);
      case 'boolean':
        this.bytes[this.at++] = value ? Tag.true : Tag.false;
        return;
      case 'object':
        if (value === null) this.bytes[this.at++] = Tag.nil;
        else this.object(value, depth);
        return;
      case 'undefined':
        return this.mark(Extension.undefined);
      case 'bigint':
        return this.bigInt(value);
      default:
        throw new UnsendableValue();
    }
  }

  private object(value: object, depth: number): void {
    if (depth === MAX_DEPTH) throw new UnsendableValue();
    if (Array.isArray(value)) return this.array(value, depth);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) this.fields(value, depth);
    else this.instance(value, depth);
  }

  private array(value: readonly unknown[], depth: number): void {
    const { length } = value;
    this.count(length, Tag.smallArray, Tag.array16);
    for (let i = 0; i < length; i++) this.write(value[i], depth + 1);
  }

  private fields(value: object, depth: number): void {
    const keys = Object.keys(value);
    const { length } = keys;
    this.count(length, Tag.smallMap, Tag.map16);
    for (let i = 0; i < length; i++) {
      const key = keys[i]!;
      if (key === FORBIDDEN_KEY) throw new UnsendableValue();
      this.string(key);
      this.write((value as Record<string, unknown>)[key], depth + 1);
    }
  }

  private count(count: number, small: number, tag16: number): void {
    if (this.bytes.length - this.at < HEADER_ROOM) this.grow(HEADER_ROOM);
    if (count < 16) {
      this.bytes[this.at++] = small | count;
    } else if (count < 0x10000) {
      this.bytes[this.at++] = tag16;
      this.uint16(count);
    } else {
      this.bytes[this.at++] = tag16 + 1;
      this.uint32(count);
    }
  }

  private string(value: string): void {
    const { length } = value;
    // A UTF-16 unit takes 3 bytes at most.
    if (this.bytes.length - this.at < 3 * length + HEADER_ROOM) this.grow(3 * length + HEADER_ROOM);
    const { bytes, at } = this;
    const start = at + stringHeaderBytes(length);
    const end = length > SHORT_STRING ? writeUtf8(bytes, start, value) : writeShortUtf8(bytes, start, value);
    this.at = this.stringHeader(at, start, end);
  }

  /** Puts the header before a string that lies there already; more bytes than characters may move it. */
  private stringHeader(at: number, start: number, end: number): number {
    const { bytes } = this;
    const size = end - start;
    const headerBytes = stringHeaderBytes(size);
    if (at + headerBytes !== start) bytes.copyWithin(at + headerBytes, start, end);
    if (headerBytes === 1) {
      bytes[at] = Tag.smallString | size;
    } else if (headerBytes === 2) {
      bytes[at] = Tag.string8;
      bytes[at + 1] = size;
    } else if (headerBytes === 3) {
      bytes[at] = Tag.string8 + 1;
      this.view.setUint16(at + 1, size);
    } else {
      bytes[at] = Tag.string8 + 2;
      this.view.setUint32(at + 1, size);
    }
    return at + headerBytes + size;
  }

  private number(value: number): void {
    if (value >>> 0 === value && (value !== 0 || !Object.is(value, -0))) {
      this.positive(value);
    } else if (value >> 0 === value && value < 0) {
      this.negative(value);
    } else {
      this.bytes[this.at] = Tag.float64;
      this.view.setFloat64(this.at + 1, value);
      this.at += 9;
    }
  }

  private positive(value: number): void {
    const { bytes } = this;
    if (value < 0x80) {
      bytes[this.at++] = value;
    } else if (value < 0x100) {
      bytes[this.at++] = Tag.uint8;
      bytes[this.at++] = value;
    } else if (value < 0x10000) {
      bytes[this.at++] = Tag.uint8 + 1;
      this.uint16(value);
    } else {
      bytes[this.at++] = Tag.uint8 + 2;
      this.uint32(value);
    }
  }

  private negative(value: number): void {
    const { bytes } = this;
    if (value >= -0x20) {
      bytes[this.at++] = value;
    } else if (value >= -0x80) {
      bytes[this.at++] = Tag.int8;
      bytes[this.at++] = value;
    } else if (value >= -0x8000) {
      bytes[this.at++] = Tag.int8 + 1;
      this.uint16(value);
    } else {
      bytes[this.at++] = Tag.int8 + 2;
      this.uint32(value);
    }
  }

  private bigInt(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.bytes[this.at] = Tag.int64;
      this.view.setBigInt64(this.at + 1, value);
      this.at += 9;
    } else {
      const content = twosComplement(value);
      this.size(content.length, Tag.extension8);
      this.bytes[this.at++] = Extension.bigInt;
      this.raw(content);
    }
  }

  /** What no literal makes. */
  private instance(value: object, depth: number): void {
    if (ArrayBuffer.isView(value)) return this.arrayBufferView(value);
    if (types.isDate(value)) return this.date(value);
    if (types.isMap(value)) return this.map(value, depth);
    if (types.isSet(value)) return this.set(value, depth);
    if (types.isNativeError(value) || value instanceof Error) return this.error(value, depth);
    if (types.isArrayBuffer(value)) return this.contentOf(ARRAY_BUFFER, new Uint8Array(value));
    this.foreign(value, depth);
  }

  /** An instance of somebody's class: what its `toJSON` gives, or else its own fields. */
  private foreign(value: object, depth: number): void {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return this.write(toJSON.call(value), depth + 1);
    if (Object.prototype.toString.call(value) !== '[object Object]') throw new UnsendableValue();
    this.fields(value, depth);
  }

  private map(value: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.mark(Extension.map);
    this.count(2 * value.size, Tag.smallArray, Tag.array16);
    for (const [key, item] of value) {
      this.write(key, depth + 1);
      this.write(item, depth + 1);
    }
  }

  private set(value: ReadonlySet<unknown>, depth: number): void {
    this.mark(Extension.set);
    this.count(value.size, Tag.smallArray, Tag.array16);
    for (const item of value) this.write(item, depth + 1);
  }

  private error(value: Error, depth: number): void {
    this.mark(Extension.error);
    this.array(partsOfError(value), depth);
  }

  private date(value: Date): void {
    this.bytes[this.at] = Tag.fixed8;
    this.bytes[this.at + 1] = Extension.date;
    this.view.setFloat64(this.at + 2, value.getTime());
    this.at += 10;
  }

  private arrayBufferView(value: ArrayBufferView): void {
    if (Buffer.isBuffer(value)) {
      this.size(value.length, Tag.binary8);
      return this.raw(value);
    }
    const content = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    if (types.isDataView(value)) return this.contentOf(DATA_VIEW, content);
    const kind = VIEW_NAMES.indexOf((value as Uint8Array)[Symbol.toStringTag]);
    if (kind === -1) throw new UnsendableValue();
    this.contentOf(kind, content);
  }

  private contentOf(kind: number, content: Uint8Array): void {
    this.size(content.length + 1, Tag.extension8);
    this.bytes[this.at++] = Extension.view;
    this.bytes[this.at++] = kind;
    this.raw(content);
  }

  private size(size: number, tag8: number): void {
    if (size < 0x100) {
      this.bytes[this.at++] = tag8;
      this.bytes[this.at++] = size;
    } else if (size < 0x10000) {
      this.bytes[this.at++] = tag8 + 1;
      this.uint16(size);
    } else {
      this.bytes[this.at++] = tag8 + 2;
      this.uint32(size);
    }
  }

  private raw(content: Uint8Array): void {
    if (this.bytes.length - this.at < content.length) this.grow(content.length);
    this.bytes.set(content, this.at);
    this.at += content.length;
  }

  private mark(type: number): void {
    this.bytes[this.at++] = Tag.mark;
    this.bytes[this.at++] = type;
    this.bytes[this.at++] = 0;
  }

  private uint16(value: number): void {
    this.view.setUint16(this.at, value);
    this.at += 2;
  }

  private uint32(value: number): void {
    this.view.setUint32(this.at, value);
    this.at += 4;
  }

  /** Moves the value at hand to a slab where it has room. */
  private grow(more: number): void {
    const written = this.at - this.start;
    if (written > this.maxBytes) throw new ValueTooLarge();
    const larger = Buffer.allocUnsafeSlow(Math.max(this.slabBytes, 2 * written + more));
    this.bytes.copy(larger, 0, this.start, this.at);
    this.take(larger, written);
    this.start = 0;
  }

  private take(slab: Buffer, at: number): void {
    this.bytes = slab;
    this.view = new DataView(slab.buffer, slab.byteOffset, slab.length);
    this.at = at;
  }
}

/**
 * What is carried of an error: name, message, code, and the cause and inner errors where it has them. Its
 * stack stays here.
 */
export function partsOfError(error: Error): unknown[] {
  // Any of them may be something else than its type says.
  const { name, message, code, cause, errors } = error as unknown as Readonly<Record<string, unknown>>;
  const plainCode = typeof code === 'string' || typeof code === 'number' ? code : undefined;
  // A cause stands in a list, so that one that is undefined differs from none.
  const causes = Object.hasOwn(error, 'cause') ? [cause] : [];
  return [String(name), String(message), plainCode, causes, ...(Array.isArray(errors) ? [errors] : [])];
}

function stringHeaderBytes(size: number): 1 | 2 | 3 | 5 {
  return size < 0x20 ? 1 : size < 0x100 ? 2 : size < 0x10000 ? 3 : 5;
}

/** Big-endian, in as few bytes as it takes. */
function twosComplement(value: bigint): Uint8Array {
  const digits = (value < 0n ? ~value : value).toString(16);
  // One bit more than the digits have, for the sign.
  const size = Math.floor(digits.length / 2) + 1;
  const bytes = Buffer.from(digits.padStart(2 * size, '0'), 'hex');
  if (value < 0n) for (let i = 0; i < size; i++) bytes[i]! ^= 0xff;
  return bytes;
}
