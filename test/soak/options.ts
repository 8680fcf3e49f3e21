import { parseArgs } from 'node:util';

export interface SoakOptions {
  readonly minutes: number;
  /** Messages that each process sends in a second. */
  readonly rate: number;
  readonly seed: number;
}

const MAX_SEED = 2 ** 31;

/** @throws Error that says what to write instead */
export function optionsOf(args: readonly string[], random: () => number = Math.random): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      rate: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(Math.floor(random() * MAX_SEED)) },
    },
  });
  return {
    minutes: numberOf('minutes', values.minutes),
    rate: numberOf('rate', values.rate),
    seed: numberOf('seed', values.seed),
  };
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0 && text.trim() !== '') return number;
  throw new Error(`--${name} takes a number, not "${text}".`);
}
