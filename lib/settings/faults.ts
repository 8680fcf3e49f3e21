import { PeerageError } from '../errors/peerage-error.js';

/** One thing that is wrong with the options, and what to do about it. */
export interface Fault {
  /** Where it is: `port`, `limits.frameBytes`, `via[1]`. */
  readonly path: string;
  readonly problem: string;
}

/** Gathers every fault, so that all are reported at once. */
export class Faults {
  readonly list: Fault[] = [];

  add(path: string, problem: string): void {
    this.list.push({ path, problem });
  }

  /** Whether something at `path`, or inside it, was found wrong. */
  has(path: string): boolean {
    return this.list.some((fault) => fault.path === path || /^[.[]/.test(rest(fault.path, path)));
  }

  throwIfAny(): void {
    if (this.list.length > 0) throw invalidOptions(this.list);
  }
}

/** The one error that tells of all the faults, a line each. */
export function invalidOptions(faults: readonly Fault[]): PeerageError {
  const count = faults.length === 1 ? 'an option needs' : `${faults.length} options need`;
  const lines = faults.map(({ path, problem }) => `  - ${path}: ${problem}`);
  return new PeerageError('INVALID_OPTIONS', `Peerage cannot start, ${count} a change:\n${lines.join('\n')}`);
}

/** A value as it is shown in a message: short, and on one line. */
export function show(value: unknown): string {
  if (typeof value === 'function') return `the function ${value.name || '(anonymous)'}`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function rest(longer: string, start: string): string {
  return longer.startsWith(start) ? longer.slice(start.length) : '';
}
