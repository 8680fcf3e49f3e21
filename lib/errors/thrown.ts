import { inspect, stripVTControlCharacters, types } from 'node:util';

/** Longer texts of errors are cut off. */
const MAX_TEXT = 16_384;

/** What could be read of something that was thrown. */
interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
}

/** Whether it is an error, of this realm or another one. Never throws: a proxy may, when it is asked. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error;
  } catch {
    return false;
  }
}

/**
 * Reads what a handler, a getter or a provider threw. That may be anything: no error at all, an object without a
 * prototype, a revoked proxy, an error whose message throws. Never throws itself.
 */
export function readThrown(thrown: unknown): Thrown {
  const message = read(thrown, 'message');
  const isLikeAnError = isError(thrown) || typeof message === 'string';
  if (!isLikeAnError) return { name: 'Error', message: textOf(thrown) };
  const code = read(thrown, 'code');
  const stack = read(thrown, 'stack');
  return {
    name: nameOf(thrown),
    message: message === undefined ? '' : textOf(message),
    ...((typeof code === 'string' || typeof code === 'number') && {
      code: typeof code === 'string' ? cut(code) : code,
    }),
    ...(typeof stack === 'string' && { stack: cut(stack) }),
  };
}

/**
 * The text of anything that was thrown, on one line and without control characters, which would be commands to a terminal:
 * for logs and messages. Never throws.
 */
export function describeError(thrown: unknown): string {
  const { name, message } = readThrown(thrown);
  return inOneLine(message) || inOneLine(name) || 'Error';
}

function inOneLine(text: string): string {
  const lines = stripVTControlCharacters(text).split(/[\p{Cc}\p{Zl}\p{Zp}]+/u);
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}

/** The stack of an error, for loggers. Never throws. */
export function stackOf(thrown: unknown): string | undefined {
  return isError(thrown) ? readThrown(thrown).stack : undefined;
}

/** The code of an error, `ENOENT` or what a library calls it; empty when it has none. Never throws. */
export function codeOf(thrown: unknown): string {
  const code = read(thrown, 'code');
  return typeof code === 'string' ? code : '';
}

/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(describeError(thrown), { cause: thrown });
}

function nameOf(thrown: unknown): string {
  const name = read(thrown, 'name');
  return typeof name === 'string' && name !== '' ? cut(name) : 'Error';
}

function read(thrown: unknown, key: string): unknown {
  if (thrown === null || (typeof thrown !== 'object' && typeof thrown !== 'function')) return undefined;
  try {
    return (thrown as Readonly<Record<string, unknown>>)[key];
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return cut(value);
  try {
    // Shows what is in an object, where `String` shows its kind at most, and throws when it has none.
    return cut(inspect(value, SHORT));
  } catch {
    return 'something that cannot be described';
  }
}

const SHORT = { depth: 1, maxArrayLength: 10, maxStringLength: 1_000, breakLength: Infinity } as const;

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** A value that was given, as a message shows it. Short, and never throws. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : describeError(value);
}
