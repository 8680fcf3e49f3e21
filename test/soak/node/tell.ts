import type { SoakLine } from './config.js';

export function tell(line: SoakLine): void {
  process.stdout.write(`${JSON.stringify(line, asJson)}\n`);
}

function asJson(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
