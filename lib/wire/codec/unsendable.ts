import { types } from 'node:util';
import { describeError } from '../../errors/peerage-error.js';
import { FORBIDDEN_KEY, MAX_DEPTH } from './format.js';
import { partsOfError } from './value-writer.js';

interface Place {
  readonly path: string;
  readonly value: object;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/**
 * Says which part of a value cannot be sent and why: `data.items[3].callback is a function`. Undefined when
 * it finds nothing wrong. Slow: for values that could not be written.
 */
export function explainUnsendable(value: unknown, path: string): string | undefined {
  return explain(value, path, []);
}

function explain(value: unknown, path: string, above: readonly Place[]): string | undefined {
  if (typeof value === 'function') return `${path} is a function`;
  if (typeof value === 'symbol') return `${path} is a symbol`;
  if (typeof value !== 'object' || value === null) return undefined;
  const loop = above.find((place) => place.value === value);
  if (loop) return `${path} leads back to ${loop.path}`;
  if (above.length === MAX_DEPTH) return `${path} is nested deeper than ${MAX_DEPTH} levels`;
  try {
    return explainObject(value, path, [...above, { path, value }]);
  } catch (error) {
    return `${path} cannot be read: ${describeError(error)}`;
  }
}

function explainObject(value: object, path: string, above: readonly Place[]): string | undefined {
  if (Array.isArray(value)) return explainList(value, path, above);
  if (types.isMap(value)) return explainMap(value, path, above);
  if (types.isSet(value)) return explainList([...value], path, above);
  if (types.isNativeError(value) || value instanceof Error) return explainError(value, path, above);
  if (ArrayBuffer.isView(value) || types.isArrayBuffer(value) || types.isDate(value)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return explainFields(value, path, above);
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return explain(toJSON.call(value), `${path}.toJSON()`, above);
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return kind === 'Object' ? explainFields(value, path, above) : `${path} is a ${kind}`;
}

function explainFields(value: object, path: string, above: readonly Place[]): string | undefined {
  for (const [key, item] of Object.entries(value)) {
    if (key === FORBIDDEN_KEY) return `${path} has the key ${FORBIDDEN_KEY}`;
    const place = IDENTIFIER.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
    const why = explain(item, place, above);
    if (why !== undefined) return why;
  }
  return undefined;
}

function explainList(value: readonly unknown[], path: string, above: readonly Place[]): string | undefined {
  for (const [index, item] of value.entries()) {
    const why = explain(item, `${path}[${index}]`, above);
    if (why !== undefined) return why;
  }
  return undefined;
}

function explainMap(
  value: ReadonlyMap<unknown, unknown>,
  path: string,
  above: readonly Place[],
): string | undefined {
  for (const [key, item] of value) {
    const name = typeof key === 'string' ? JSON.stringify(key) : typeof key;
    const why = explain(key, `a key of ${path}`, above) ?? explain(item, `${path}.get(${name})`, above);
    if (why !== undefined) return why;
  }
  return undefined;
}

function explainError(value: Error, path: string, above: readonly Place[]): string | undefined {
  const [, , , causes, errors] = partsOfError(value);
  const [cause] = causes as unknown[];
  return explain(cause, `${path}.cause`, above) ?? explain(errors, `${path}.errors`, above);
}
