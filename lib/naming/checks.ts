import { canonicalName } from './node-name.js';

export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;
}

export function isAppName(value: unknown): value is string {
  return typeof value === 'string' && isNodeName(`${value}@localhost`) && !value.includes('@');
}

/** The canonical form of `text`, or undefined when it is no node name. */
export function nameOrUndefined(text: string): string | undefined {
  try {
    return canonicalName(text);
  } catch {
    return undefined;
  }
}

function isNodeName(text: string): boolean {
  return nameOrUndefined(text) !== undefined;
}
