/**
 * How values lie on the wire: MessagePack. What that has no type for is an extension of ours.
 */
export const Tag = {
  nil: 0xc0,
  false: 0xc2,
  true: 0xc3,
  /** The first of three: the length takes 1, 2 or 4 bytes. */
  binary8: 0xc4,
  extension8: 0xc7,
  float64: 0xcb,
  uint8: 0xcc,
  int8: 0xd0,
  int64: 0xd3,
  /** An extension of one byte: a mark. */
  mark: 0xd4,
  /** An extension of eight bytes. */
  fixed8: 0xd7,
  string8: 0xd9,
  /** The first of two: the count takes 2 or 4 bytes. */
  array16: 0xdc,
  map16: 0xde,
  /** Small ones have their length in the tag. */
  smallMap: 0x80,
  smallArray: 0x90,
  smallString: 0xa0,
  negative: 0xe0,
} as const;

/** Extension types. `set`, `map` and `error` mark the array after them, of what they are made of. */
export const Extension = {
  undefined: 0x00,
  bigInt: 0x42,
  /** Milliseconds since 1970 as a float64; NaN is the invalid date. */
  date: 0x64,
  error: 0x65,
  map: 0x6d,
  set: 0x73,
  /** A byte that says which, and the content. */
  view: 0x74,
} as const;

/** Views on binary data, by the number they have on the wire. */
export const VIEWS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

export const ARRAY_BUFFER = 16;
export const DATA_VIEW = 17;

/** How deep arrays, objects, maps and sets may be nested in one value. */
export const MAX_DEPTH = 256;

/** How many parts one value may have in all: items of lists, fields, entries. */
export const MAX_PARTS = 1_000_000;
