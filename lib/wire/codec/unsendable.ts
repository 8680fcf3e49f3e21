import { describeError } from '../../errors/thrown.js';

/** The value takes more bytes than it may. */
export class ValueTooLarge extends Error {}

/** The value has a part that cannot be sent. */
export class UnsendableValue extends Error {
  /** The way to that part, from it up to the value. */
  readonly way: Place[] = [];

  /** @param why `is a function`, to follow the path of the part */
  constructor(
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(why, options);
  }
}

/** One thing that holds another, and how that is reached from it. */
interface Place {
  readonly holder: object;
  readonly pathFrom: (path: string) => string;
}

/** How a part is reached: its index among the parts, and those. */
export type Step = (path: string, index: number, parts: readonly unknown[]) => string;

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

export const Step = {
  item: (path, index) => `${path}[${index}]`,
  field: (path, index, keys) => {
    const key = keys[index] as string;
    return IDENTIFIER.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
  },
  /** Keys and values take turns. */
  entry: (path, index, entries) => {
    if (index % 2 === 0) return `a key of ${path}`;
    const key = entries[index - 1];
    return `${path}.get(${typeof key === 'string' ? JSON.stringify(key) : typeof key})`;
  },
  json: (path) => `${path}.toJSON()`,
  cause: (path) => `${path}.cause`,
  inner: (path, index) => `${path}.errors[${index}]`,
} as const satisfies Readonly<Record<string, Step>>;

/** What to throw on when something was thrown over one part of a holder. */
export function within(
  error: unknown,
  holder: object,
  step: Step,
  index: number,
  parts: readonly unknown[],
): unknown {
  if (error instanceof ValueTooLarge) return error;
  const unsendable =
    error instanceof UnsendableValue
      ? error
      : new UnsendableValue(`cannot be read: ${describeError(error)}`, { cause: error });
  unsendable.way.push({ holder, pathFrom: (path) => step(path, index, parts) });
  return unsendable;
}

/** What a value is called in errors; for a list, what each of its items is called. */
export type ValueName = string | readonly string[];

/** Which part of a value cannot be sent, and why: `data.items[3].callback is a function`. */
export function describeUnsendable({ way, why }: UnsendableValue, name: ValueName): string {
  const seen = new Map<object, string>();
  let path = typeof name === 'string' ? name : '';
  for (const [index, { holder, pathFrom }] of way.toReversed().entries()) {
    const loop = seen.get(holder);
    if (loop !== undefined) return `${path} leads back to ${loop}`;
    seen.set(holder, path);
    path = pathFrom(path);
    if (index === 0 && typeof name !== 'string') path = name[Number(/\d+/.exec(path))] ?? 'message';
  }
  return `${path} ${why}`;
}
