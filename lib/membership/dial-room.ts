import type { Core, DialQueue } from './core.js';

/**
 * So many dials of a queue that began just now are let finish before more begin: handshakes cost time on both
 * sides, and finish sooner one after the other. Dials that hang are not waited for, so that the dead delay
 * nobody: a dial is young for twice the time that dials take here and now, which on a busy machine is long.
 */
const YOUNG_DIALS = 4;
const YOUNG_MS = 100;
const YOUNG_FACTOR = 2;

/**
 * Where nobody took the connection in two turns, the network swallows it: it costs no handshake, and little else. A busy
 * node is no such place: its kernel takes connections. For each one that hangs one more may begin, so that a long
 * list of addresses that are gone is through in a few turns.
 */
const HANGS_AFTER_TURNS = 2;
const TURN_MS = 10;

/** Between turns in which nobody new waits to be dialled. */
const LONG_TURN_MS = 50;

/** A turn that comes later than this is none: what arrived meanwhile was not read before it. Then age decides. */
const ON_TIME_MS = 5;

/** What a dial that hangs counts, in dials. Those that failed before are tried again and again: not too many at once. */
const HANGING: Readonly<Record<DialQueue, number>> = { urgent: 1, listed: 1 / 32, failing: 1 / 4, hinted: 1 };

/** The share of the dials under way that a queue may use: neither a flood of hints nor the dead delay who is new. */
const SHARE: Readonly<Record<DialQueue, number>> = { urgent: 1, listed: 1, failing: 0.5, hinted: 0.5 };

/** Whether one more dial of a queue may begin. */
export function hasRoom(core: Core, queue: DialQueue): boolean {
  const { dials: limit } = core.config.limits;
  const youngMs = Math.max(YOUNG_MS, YOUNG_FACTOR * core.dialMs);
  let [load, own, young, hanging] = [0, 0, 0, 0];
  for (const dial of core.dials.values()) {
    const ageMs = core.nowMs - dial.startedAtMs;
    const isHanging = !dial.isOpen && (dial.turns >= HANGS_AFTER_TURNS || ageMs >= youngMs);
    const weight = isHanging ? HANGING[dial.queue] : 1;
    load += weight;
    if (dial.queue !== queue) continue;
    own += weight;
    if (isHanging) hanging += 1;
    else if (ageMs < youngMs) young += 1;
  }
  const more = queue === 'listed' ? hanging : 0;
  return load < limit && own < Math.ceil(limit * SHARE[queue]) && young < YOUNG_DIALS + more;
}

/** When to look again whether there is room. */
export function nextTurnMs({ nowMs, ready }: Core): number {
  return nowMs + (ready.listed.length > 0 ? TURN_MS : LONG_TURN_MS);
}

/** Some time has passed, in which what arrived was read. */
export function countTurn(core: Core, lateMs: number): void {
  if (lateMs > ON_TIME_MS) return;
  for (const dial of core.dials.values()) dial.turns += 1;
}
