import { PeerageError } from '../errors/peerage-error.js';
import { faultWithoutPassword } from './url/without-password.js';
import { isAppName, isPort } from '../naming/node-name.js';

const MIN_TTL_MS = 1_000;

/** What is wrong with the options of a provider; all of it is told at once. Options that were left out are not. */
export class OptionFaults {
  private readonly faults: string[] = [];

  /** @param maker `viaDns()`, for the message */
  constructor(private readonly maker: string) {}

  add(...faults: readonly string[]): void {
    this.faults.push(...faults);
  }

  /** A fault may quote a piece of the URL, which has a password. */
  ofUrl(url: unknown, ...faults: readonly string[]): void {
    this.add(...faults.map((fault) => faultWithoutPassword(fault, typeof url === 'string' ? url : '')));
  }

  port(value: number | undefined): void {
    if (value !== undefined && !isPort(value)) this.add(`port ${String(value)} is not between 1 and 65535`);
  }

  appName(value: string | undefined): void {
    if (value !== undefined && !isAppName(value)) this.add(`appName ${JSON.stringify(value)} is no app name`);
  }

  /** How long the entry of a node in a store counts. */
  ttlMs(value: number | undefined): void {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= MIN_TTL_MS))
      this.add(`ttlMs ${String(value)} is not an integer of at least ${MIN_TTL_MS} (milliseconds)`);
  }

  /** Of options that exclude each other, one has to be given. */
  oneOf(options: Readonly<Record<string, unknown>>): void {
    const names = Object.keys(options);
    const given = names.filter((name) => options[name] !== undefined);
    if (given.length !== 1) this.add(`give one of ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`);
  }

  /** @throws PeerageError `INVALID_OPTIONS` */
  throwIfAny(): void {
    if (this.faults.length > 0)
      throw new PeerageError('INVALID_OPTIONS', `${this.maker}: ${this.faults.join('; ')}.`);
  }
}
