/** How deep arrays, objects and sets may be nested in one frame. */
export const MAX_DEPTH = 256;

const INVALID = -1;
const UNDEFINED = 0x00;
const BIG_INT = 0x42;
const SET = 0x73;
const TYPED_ARRAY = 0x74;
const TIMESTAMP = 0xff;

/** Bytes of one element, by type code, as msgpackr numbers typed arrays. */
const ELEMENT_BYTES = [1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8];
/** Type codes of ArrayBuffer and DataView. */
const BARE_BYTES = new Set([16, 17]);

/** Bytes after the token 0xc0 … 0xdf of a value that holds no others, or -1. */
const FIXED_BYTES = [
  [0, -1, 0, 0, -1, -1, -1, -1, -1, -1],
  [4, 8, 1, 2, 4, 8, 1, 2, 4, 8],
  [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1],
].flat();

/**
 * Whether `bytes` from `start` to `end` are exactly one value that the decoder reads without a surprise:
 * JSON, undefined, binaries, big integers, dates, sets and typed arrays, whole, and nested no deeper than
 * `MAX_DEPTH`. The decoder knows more than that (records that generate code, references, extensions that the
 * app registered for itself), and none of it may be driven from the wire. The sender asks too, so that no
 * message can be sent that would close the connection over there.
 */
export function isPlainMsgpack(bytes: Uint8Array, start: number, end: number): boolean {
  return skipValue(bytes, start, end, 0) === end;
}

/** The offset after the value at `at`, or `INVALID`. May lie behind `end` when the value is cut off. */
function skipValue(bytes: Uint8Array, at: number, end: number, depth: number): number {
  if (at >= end) return INVALID;
  const token = bytes[at]!;
  if (token < 0x80 || token >= 0xe0) return at + 1;
  if (token >= 0xa0 && token < 0xc0) return at + 1 + (token - 0xa0);
  if (token < 0x90) return skipMap(bytes, at + 1, end, token - 0x80, depth);
  if (token < 0xa0) return skipArray(bytes, at + 1, end, token - 0x90, depth);
  const fixed = FIXED_BYTES[token - 0xc0]!;
  return fixed === INVALID ? skipSized(bytes, token, at + 1, end, depth) : at + 1 + fixed;
}

function skipSized(bytes: Uint8Array, token: number, at: number, end: number, depth: number): number {
  switch (token) {
    case 0xc4: // binary
    case 0xd9: // string
      return at + 1 + uint(bytes, at, 1);
    case 0xc5:
    case 0xda:
      return at + 2 + uint(bytes, at, 2);
    case 0xc6:
    case 0xdb:
      return at + 4 + uint(bytes, at, 4);
    case 0xdc:
      return skipArray(bytes, at + 2, end, uint(bytes, at, 2), depth);
    case 0xdd:
      return skipArray(bytes, at + 4, end, uint(bytes, at, 4), depth);
    case 0xde:
      return skipMap(bytes, at + 2, end, uint(bytes, at, 2), depth);
    case 0xdf:
      return skipMap(bytes, at + 4, end, uint(bytes, at, 4), depth);
    case 0xc7: // extensions
      return skipExtension(bytes, at + 1, end, uint(bytes, at, 1));
    case 0xc8:
      return skipExtension(bytes, at + 2, end, uint(bytes, at, 2));
    case 0xc9:
      return skipExtension(bytes, at + 4, end, uint(bytes, at, 4));
    case 0xd4:
      return skipTagged(bytes, at, end, depth);
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return skipExtension(bytes, at, end, 2 << (token - 0xd5));
    default:
      return INVALID;
  }
}

function skipArray(bytes: Uint8Array, at: number, end: number, length: number, depth: number): number {
  if (length > end - at || depth === MAX_DEPTH) return INVALID;
  for (let i = 0; i < length && at !== INVALID; i++) at = skipValue(bytes, at, end, depth + 1);
  return at;
}

function skipMap(bytes: Uint8Array, at: number, end: number, length: number, depth: number): number {
  if (2 * length > end - at || depth === MAX_DEPTH) return INVALID;
  for (let i = 0; i < length && at !== INVALID; i++) {
    if (!isKey(bytes[at]!)) return INVALID;
    at = skipValue(bytes, at, end, depth + 1);
    if (at !== INVALID) at = skipValue(bytes, at, end, depth + 1);
  }
  return at;
}

/** Strings, numbers, booleans and null: what becomes a property name. */
function isKey(token: number): boolean {
  if (token < 0x80 || token >= 0xe0) return true;
  if (token < 0xc0) return token >= 0xa0;
  return FIXED_BYTES[token - 0xc0] !== INVALID || (token >= 0xd9 && token <= 0xdb);
}

/** An extension of one byte: `undefined`, an invalid date, or the mark before a set. */
function skipTagged(bytes: Uint8Array, at: number, end: number, depth: number): number {
  const type = bytes[at];
  if (type === UNDEFINED || type === TIMESTAMP) return at + 2;
  if (type !== SET) return INVALID;
  const isArray = (bytes[at + 2]! & 0xf0) === 0x90 || bytes[at + 2] === 0xdc || bytes[at + 2] === 0xdd;
  return isArray ? skipValue(bytes, at + 2, end, depth) : INVALID;
}

function skipExtension(bytes: Uint8Array, at: number, end: number, length: number): number {
  if (length > end - at - 1) return INVALID;
  return isKnownExtension(bytes, at, length) ? at + 1 + length : INVALID;
}

function isKnownExtension(bytes: Uint8Array, at: number, length: number): boolean {
  switch (bytes[at]) {
    case TIMESTAMP:
      return length === 4 || length === 8 || length === 12;
    case BIG_INT:
      return length > 0;
    case TYPED_ARRAY:
      return length > 0 && isWholeArray(bytes[at + 1]!, length - 1);
    default:
      return false;
  }
}

function isWholeArray(typeCode: number, length: number): boolean {
  return BARE_BYTES.has(typeCode) || length % (ELEMENT_BYTES[typeCode] ?? NaN) === 0;
}

/** A big-endian integer; bytes behind the end count as 0, and the caller sees that the value is cut off. */
function uint(bytes: Uint8Array, at: number, size: 1 | 2 | 4): number {
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
