import type { RefusedEvent } from '../membership/events.js';
import { printable } from './printable.js';

const WINDOW_MS = 60_000;
/** Different refusals that get a line of their own in one window. */
const MAX_LINES = 20;

/** Says which refusals are worth a line: of each kind and address one a minute, and then how many there were. */
export class RefusalLog {
  private windowStart = Number.NEGATIVE_INFINITY;
  private readonly told = new Set<string>();
  private untold = 0;

  constructor(
    private readonly warn: (message: string) => void,
    private readonly now: () => number,
  ) {}

  log(event: RefusedEvent): void {
    this.turnWindow();
    const key = `${event.direction} ${event.code} ${hostOf(event.address)}`;
    if (this.told.has(key) || this.told.size >= MAX_LINES) {
      this.untold++;
      return;
    }
    this.told.add(key);
    this.warn(printable(describeRefusal(event)));
  }

  private turnWindow(): void {
    const now = this.now();
    if (now - this.windowStart < WINDOW_MS) return;
    if (this.untold > 0) this.warn(`${this.untold} more refusals like those before were not logged.`);
    this.windowStart = now;
    this.untold = 0;
    this.told.clear();
  }
}

function describeRefusal({ direction, name, address, code, message }: RefusedEvent): string {
  const who = name === undefined ? address : `${name} at ${address}`;
  return direction === 'inbound'
    ? `Refused the call of ${who}: ${code} (${message})`
    : `No connection to ${who}: ${code} (${message})`;
}

/** A caller has another port each time. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '');
}
