import type { RefusedEvent } from '../membership/events.js';
import { WAS_LATE } from '../time/loop-watch.js';
import { Repeats, sinceThen } from '../time/repeats.js';
import { printable } from '../naming/printable.js';

/** What goes on is told again after this, with how many there were. */
const AGAIN_MS = 10 * 60_000;
/** What has not happened for so long is over: it is news when it happens again. */
const OVER_MS = 60_000;

const WINDOW_MS = 60_000;
/** Different refusals that get a line of their own in one window. */
const MAX_LINES = 20;
const MAX_KINDS = 500;

/**
 * Says which refusals are worth a line: of each kind and address the first, and while it goes on one every ten minutes,
 * with their number. Strangers from many addresses get few lines.
 */
export class RefusalLog {
  private readonly repeats = new Repeats(OVER_MS, AGAIN_MS);
  private windowStart = Number.NEGATIVE_INFINITY;
  private lines = 0;
  private untold = 0;

  constructor(
    private readonly warn: (message: string) => void,
    private readonly now: () => number,
  ) {}

  log(event: RefusedEvent): void {
    if (isOwnFault(event)) return;
    const nowMs = this.now();
    this.turnWindow(nowMs);
    const key = keyOf(event);
    const { isNews, goesOn } = this.repeats.count(key, nowMs);
    if (!isNews) return;
    if (this.lines >= MAX_LINES || (!this.repeats.has(key) && this.repeats.size >= MAX_KINDS)) {
      this.untold += 1;
      return;
    }
    this.lines += 1;
    this.repeats.told(key, nowMs);
    this.warn(printable(`${describeRefusal(event)}${sinceThen(goesOn)}`));
  }

  private turnWindow(nowMs: number): void {
    if (nowMs - this.windowStart < WINDOW_MS) return;
    if (this.untold > 0) this.warn(`${this.untold} refusals of other kinds or addresses were not logged.`);
    this.windowStart = nowMs;
    this.lines = 0;
    this.untold = 0;
    this.repeats.sweep(nowMs);
  }
}

function describeRefusal(event: RefusedEvent): string {
  const { direction, name, address, code, message } = event;
  const who = name === undefined ? address : `${name} at ${address}`;
  if (direction === 'outbound') return `No connection to ${who}: ${code} (${message})`;
  if (isGivenUp(event)) return `The call of ${who} came to nothing: ${code} (${message})`;
  return `Refused the call of ${who}: ${code} (${message})`;
}

/** Callers that gave up are alike, wherever they are: when this node stood still, all of them do. */
function keyOf(event: RefusedEvent): string {
  const { direction, code, address } = event;
  return `${direction} ${code} ${isGivenUp(event) ? '' : hostOf(address)}`;
}

/** The log says already that this node stood still. */
function isOwnFault({ direction, message }: RefusedEvent): boolean {
  return direction === 'inbound' && message.startsWith(WAS_LATE);
}

/** Nobody refused it. */
function isGivenUp({ direction, code }: RefusedEvent): boolean {
  return direction === 'inbound' && code === 'CONNECTION_LOST';
}

/** A caller has another port each time. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '');
}
