import type { Core, DialQueue, DialRecord } from './core.js';

/**
 * So many dials of a queue may be young at once: handshakes cost time on both sides, and finish sooner one after the
 * other. On a machine that is too slow for all of them each would come too late, again and again; so the number is a
 * congestion window, as TCP has one (RFC 5681): half of it when a handshake comes to nothing, one more when one is
 * answered.
 */
const MOST_YOUNG = 4;

/**
 * A dial is young for twice the time that dials take here and now. Until one was answered nobody knows what that is:
 * then whoever took our connection may be only slow, and is young to the end.
 */
const YOUNG_FACTOR = 2;
const SHORTEST_YOUNG_MS = 100;

/** Whoever answers later than this has enough to do: no more at once. Half of the usual time for a handshake. */
const PROMPT_MS = 1_000;

/** The weight of the last dial in the average of their durations. */
const LAST_WEIGHT = 0.2;

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

/** How dials fare here and now. */
export class DialPace {
  /** How many of a queue may be young at once. */
  window = MOST_YOUNG;
  /** How long a dial takes until it is answered: a moving average of those that were answered, once one was. */
  usualMs: number | undefined;

  answered(tookMs: number): void {
    if (tookMs < PROMPT_MS) this.window = Math.min(MOST_YOUNG, this.window + 1);
    this.usualMs = this.usualMs === undefined ? tookMs : this.usualMs + LAST_WEIGHT * (tookMs - this.usualMs);
  }

  /** Who takes a connection, and says nothing for long, may have too much to do: fewer at once, each with more time. */
  ended({ isOpen, isAnswered, startedAtMs }: DialRecord, nowMs: number): void {
    const ageMs = nowMs - startedAtMs;
    if (!isOpen || isAnswered || ageMs < SHORTEST_YOUNG_MS) return;
    this.window = Math.max(1, this.window / 2);
    if (this.usualMs !== undefined) this.usualMs = Math.max(this.usualMs, Math.min(2 * this.usualMs, ageMs));
  }
}

/** Whether one more dial of a queue may begin. */
export function hasRoom(core: Core, queue: DialQueue): boolean {
  const { dials: limit } = core.config.limits;
  let [load, own, young, hanging] = [0, 0, 0, 0];
  for (const dial of core.dials.values()) {
    const stage = stageOf(core, dial);
    const weight = stage === 'hanging' ? HANGING[dial.queue] : 1;
    load += weight;
    if (dial.queue !== queue) continue;
    own += weight;
    if (stage === 'young') young += 1;
    else if (stage === 'hanging') hanging += 1;
  }
  const more = queue === 'listed' ? hanging : 0;
  return load < limit && own < Math.ceil(limit * SHARE[queue]) && young < core.pace.window + more;
}

/** A dial that is no longer young either hangs, because nobody takes the connection, or its other side is slow. */
function stageOf(
  { nowMs, pace }: Core,
  { isOpen, turns, startedAtMs }: DialRecord,
): 'young' | 'hanging' | 'slow' {
  const youngMs = Math.max(SHORTEST_YOUNG_MS, YOUNG_FACTOR * (pace.usualMs ?? 0));
  const isFresh = nowMs - startedAtMs < youngMs;
  if (isOpen) return isFresh || pace.usualMs === undefined ? 'young' : 'slow';
  return isFresh && turns < HANGS_AFTER_TURNS ? 'young' : 'hanging';
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
