import { describeError, isError, readThrown } from '../errors/thrown.js';

/** Own properties of an error that travel, at most, when not all of it can be sent. */
const MAX_FIELDS = 100;

/**
 * What a handler failed with, as it travels: an error becomes a plain object with its name, message and own
 * properties, without a stack. What Nest would take for no error at all becomes one. Everything else stays as it is.
 */
export function plainError(error: unknown): unknown {
  if (!error) return { status: 'error', message: describeError(error) };
  if (!isError(error)) return error;
  const { name, message } = readThrown(error);
  return { status: 'error', name, message, ...fieldsOf(error) };
}

/**
 * As much as can be sent of what cannot be sent as it is: errors of HTTP clients carry functions and sockets.
 *
 * @param copy throws when a value cannot be sent
 */
export function sendableError(error: unknown, copy: (value: unknown) => unknown): unknown {
  if (typeof error !== 'object' || error === null) return { status: 'error', message: describeError(error) };
  const plain = Object.entries(fieldsOf(plainError(error) as object)).slice(0, MAX_FIELDS);
  const { name, message } = readThrown(error);
  return {
    status: 'error',
    name,
    message,
    ...Object.fromEntries(plain.filter(([, value]) => isSendable(value, copy))),
  };
}

function isSendable(value: unknown, copy: (value: unknown) => unknown): boolean {
  try {
    copy(value);
    return true;
  } catch {
    return false;
  }
}

/** Own properties, but those that throw when they are read. */
function fieldsOf(object: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key of keysOf(object)) {
    try {
      if (key !== '__proto__') fields[key] = (object as Readonly<Record<string, unknown>>)[key];
    } catch {
      // Whatever that was, the error itself says more.
    }
  }
  return fields;
}

function keysOf(object: object): readonly string[] {
  try {
    return Object.keys(object);
  } catch {
    return [];
  }
}
