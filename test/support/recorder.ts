/** A function that keeps what it was called with. */
export interface Recorder<T> {
  (item: T): void;
  readonly heard: T[];
}

export function recorder<T>(): Recorder<T> {
  const heard: T[] = [];
  return Object.assign((item: T) => void heard.push(item), { heard });
}

/** A promise to be settled from outside. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

/** Lets everything run that waits for nothing but its turn. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}
