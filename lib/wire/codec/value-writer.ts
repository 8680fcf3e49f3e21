import { types } from 'node:util';
import { isError } from '../../errors/thrown.js';
import { FORBIDDEN_KEY, HALF_A_CHARACTER } from '../../naming/sendable-text.js';
import { ARRAY_BUFFER, DATA_VIEW, Extension, MAX_DEPTH, MAX_PARTS, Tag, VIEWS } from './format.js';
import { byteLengthOf, entriesOf, itemsOf, kindOfView, timeOf, viewBytes } from './intrinsics.js';
import { HEADER_ROOM, SlabWriter } from './slab-writer.js';
import { Step, UnsendableValue, ValueTooLarge, within } from './unsendable.js';
import { twosComplement } from './twos-complement.js';
import { writeLongUtf8, writeShortUtf8, wellFormed } from './utf8.js';

/** Strings up to this length are copied faster here than by a call into the runtime. */
const SHORT_STRING = 20;

type ToJson = (this: object) => unknown;

const VIEW_NAMES: readonly (string | undefined)[] = VIEWS.map(({ name }) => name);

/** Writes values as MessagePack. */
export class ValueWriter extends SlabWriter {
  /** Parts that the value at hand has so far: items, fields, entries. */
  private parts = 0;

  override begin(headerBytes: number, maxBytes: number): void {
    super.begin(headerBytes, maxBytes);
    this.parts = 0;
  }

  /**
   * Getters and methods `toJSON` in the value are called once at most, and what they do to it meanwhile does not
   * harm what is written.
   *
   * @throws UnsendableValue, ValueTooLarge
   */
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
        throw new UnsendableValue(`is a ${typeof value}`);
    }
  }

  private object(value: object, depth: number): void {
    if (depth === MAX_DEPTH) throw new UnsendableValue(`is nested deeper than ${MAX_DEPTH} levels`);
    if (Array.isArray(value)) return this.list(value, value, depth, Step.item);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) this.plain(value, depth);
    else this.instance(value, depth);
  }

  /** `step` is the way from the holder to its items. */
  private list(items: readonly unknown[], holder: object, depth: number, step: Step): void {
    const { length } = items;
    // That of a proxy may be anything.
    if (length >>> 0 !== length) throw new UnsendableValue('has a length that is none');
    this.count(length, Tag.smallArray, Tag.array16);
    let i = 0;
    try {
      for (; i < length; i++) this.write(items[i], depth + 1);
    } catch (error) {
      throw within(error, holder, step, i, items);
    }
  }

  /** What its `toJSON` gives, or else its fields. */
  private plain(value: object, depth: number): void {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') this.json(value, toJSON as ToJson, depth);
    else this.fields(value, depth);
  }

  private fields(value: object, depth: number): void {
    const keys = Object.keys(value);
    const { length } = keys;
    this.count(length, Tag.smallMap, Tag.map16);
    let i = 0;
    try {
      for (; i < length; i++) {
        const key = keys[i]!;
        if (key === FORBIDDEN_KEY) throw new UnsendableValue('is a key that no object may have');
        this.string(key);
        this.write((value as Record<string, unknown>)[key], depth + 1);
      }
    } catch (error) {
      throw within(error, value, Step.field, i, keys);
    }
  }

  private json(value: object, toJSON: ToJson, depth: number): void {
    try {
      this.write(toJSON.call(value), depth + 1);
    } catch (error) {
      throw within(error, value, Step.json, 0, []);
    }
  }

  private count(count: number, small: number, tag16: number): void {
    this.parts += count;
    if (this.parts > MAX_PARTS) this.tooMany(count);
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

  /** A list that is none, a proxy's, has any length. */
  private tooMany(count: number): never {
    if (count > this.maxBytes) throw new ValueTooLarge();
    throw new UnsendableValue(`makes more than ${MAX_PARTS} parts in one message`);
  }

  private string(value: string): void {
    const { length } = value;
    // A UTF-16 unit takes 3 bytes at most.
    if (this.bytes.length - this.at < 3 * length + HEADER_ROOM) this.makeRoomFor(value);
    const { bytes, at } = this;
    const start = at + stringHeaderBytes(length);
    const end =
      length > SHORT_STRING ? writeLongUtf8(bytes, start, value) : writeShortUtf8(bytes, start, value);
    // UTF-8 has no form for it, and two such keys would become one.
    if (end < 0) throw new UnsendableValue(HALF_A_CHARACTER);
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
    } else if (BigInt.asIntN(8 * this.maxBytes, value) !== value) {
      throw new ValueTooLarge();
    } else {
      const content = twosComplement(value);
      this.size(content.length, Tag.extension8);
      this.bytes[this.at++] = Extension.bigInt;
      this.raw(content, content.length);
    }
  }

  /** What no literal makes. Of built-ins what they are made of, whatever a subclass says of it. */
  private instance(value: object, depth: number): void {
    if (ArrayBuffer.isView(value)) return this.arrayBufferView(value);
    if (types.isDate(value)) return this.date(timeOf(value));
    if (types.isMap(value)) return this.marked(Extension.map, entriesOf(value), value, depth, Step.entry);
    if (types.isSet(value)) return this.marked(Extension.set, itemsOf(value), value, depth, Step.item);
    if (isError(value)) return this.error(value, depth);
    if (types.isArrayBuffer(value)) return this.contentOf(ARRAY_BUFFER, new Uint8Array(value));
    this.foreign(value, depth);
  }

  /** An instance of somebody's class: what its `toJSON` gives, or else its own fields. */
  private foreign(value: object, depth: number): void {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return this.json(value, toJSON as ToJson, depth);
    const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
    if (kind !== 'Object') throw new UnsendableValue(`is a ${kind}`);
    this.fields(value, depth);
  }

  private marked(mark: number, items: readonly unknown[], holder: object, depth: number, step: Step): void {
    this.mark(mark);
    this.list(items, holder, depth, step);
  }

  /**
   * Name, message, code, and the cause and inner errors where it has them. Its stack stays here. The cause stands in
   * a list, so that one that is undefined differs from none.
   */
  private error(error: Error, depth: number): void {
    if (depth + 1 === MAX_DEPTH) throw new UnsendableValue(`is nested deeper than ${MAX_DEPTH} levels`);
    // Any of them may be something else than its type says.
    const { name, message, code, cause, errors } = error as unknown as Readonly<Record<string, unknown>>;
    const hasErrors = Array.isArray(errors);
    this.mark(Extension.error);
    this.count(hasErrors ? 5 : 4, Tag.smallArray, Tag.array16);
    this.string(wellFormed(String(name)));
    this.string(wellFormed(String(message)));
    this.write(typeof code === 'string' || typeof code === 'number' ? code : undefined);
    this.list(Object.hasOwn(error, 'cause') ? [cause] : [], error, depth + 1, Step.cause);
    if (hasErrors) this.list(errors, error, depth + 1, Step.inner);
  }

  private date(time: number): void {
    this.bytes[this.at] = Tag.fixed8;
    this.bytes[this.at + 1] = Extension.date;
    this.view.setFloat64(this.at + 2, time);
    this.at += 10;
  }

  private arrayBufferView(value: ArrayBufferView): void {
    const name = kindOfView(value);
    if (name === 'Uint8Array' && Buffer.isBuffer(value)) {
      const length = byteLengthOf(value);
      this.size(length, Tag.binary8);
      return this.raw(value, length);
    }
    const kind = name === undefined ? DATA_VIEW : VIEW_NAMES.indexOf(name);
    if (kind === -1) throw new UnsendableValue(`is a ${name}`);
    this.contentOf(kind, viewBytes(value));
  }

  private contentOf(kind: number, content: Uint8Array): void {
    this.size(content.length + 1, Tag.extension8);
    this.bytes[this.at++] = Extension.view;
    this.bytes[this.at++] = kind;
    this.raw(content, content.length);
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

  private mark(type: number): void {
    this.bytes[this.at++] = Tag.mark;
    this.bytes[this.at++] = type;
    this.bytes[this.at++] = 0;
  }
}

function stringHeaderBytes(size: number): 1 | 2 | 3 | 5 {
  return size < 0x20 ? 1 : size < 0x100 ? 2 : size < 0x10000 ? 3 : 5;
}
