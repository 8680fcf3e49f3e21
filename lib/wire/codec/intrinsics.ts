/**
 * What built-ins say of themselves, asked past anything that a subclass or an own property says instead: those may
 * differ from what is there, and then a frame would be wrong.
 */

const TypedArray = Object.getPrototypeOf(Uint8Array) as { readonly prototype: object };

const mapForEach = intrinsic(Map.prototype, 'forEach');
const setForEach = intrinsic(Set.prototype, 'forEach');
export const timeOf = intrinsic(Date.prototype, 'getTime') as (date: Date) => number;

const typed = viewsOf(TypedArray.prototype);
const dataView = viewsOf(DataView.prototype);
/** `Uint8Array`, `Float64Array`…; undefined for a DataView. */
export const kindOfView = intrinsic(TypedArray.prototype, Symbol.toStringTag) as (
  view: ArrayBufferView,
) => string | undefined;
/** Of a typed array. */
export const byteLengthOf = typed.byteLength as (view: ArrayBufferView) => number;

/** Keys and values, in turn, as they are now. */
export function entriesOf(map: object): unknown[] {
  const entries: unknown[] = [];
  mapForEach(map, (value: unknown, key: unknown) => void entries.push(key, value));
  return entries;
}

/** The items of a set, as they are now. */
export function itemsOf(set: object): unknown[] {
  const items: unknown[] = [];
  setForEach(set, (item: unknown) => void items.push(item));
  return items;
}

/** The bytes that a view shows. */
export function viewBytes(view: ArrayBufferView): Uint8Array {
  const { buffer, byteOffset, byteLength } = kindOfView(view) === undefined ? dataView : typed;
  return new Uint8Array(buffer(view) as ArrayBuffer, byteOffset(view) as number, byteLength(view) as number);
}

function viewsOf(prototype: object): Record<'buffer' | 'byteOffset' | 'byteLength', Intrinsic> {
  return {
    buffer: intrinsic(prototype, 'buffer'),
    byteOffset: intrinsic(prototype, 'byteOffset'),
    byteLength: intrinsic(prototype, 'byteLength'),
  };
}

type Intrinsic = (of: object, ...args: unknown[]) => unknown;

/** A getter or a method of a built-in, as a function of what it is asked of. */
function intrinsic(prototype: object, key: string | symbol): Intrinsic {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, key) as {
    readonly get?: () => unknown;
    readonly value?: () => unknown;
  };
  const method = descriptor.get ?? descriptor.value!;
  return (of, ...args) => Reflect.apply(method, of, args);
}
