import { PAIR_CUT } from './faults.js';

/** Milliseconds from a fault until who should miss somebody was told. */
export interface Bound {
  readonly p99: number;
  readonly worst: number;
}

/** No bound but that everybody is told at all. */
const TOLD: Bound = { p99: Number.POSITIVE_INFINITY, worst: Number.POSITIVE_INFINITY };
const CALM: Bound = { p99: 4_500, worst: 5_000 };
/** Who was restarted a moment ago has its ring to learn: a pair is watched a little later. */
const RESTARTED: Bound = { p99: 5_000, worst: 5_000 };
const LOSS: Bound = { p99: 6_000, worst: 8_000 };
const TROUBLED: Bound = { p99: 6_000, worst: 6_000 };
const TROUBLED_AND_LOSS: Bound = { p99: 8_000, worst: 8_000 };

/** Pairs of whom neither watches the other. */
const UNWATCHED: Bound = { p99: 30_000, worst: 30_000 };

const BY_CIRCUMSTANCE: Readonly<Record<string, Bound>> = {
  calm: CALM,
  'one node stalls 1 s in 5': TROUBLED,
  'all stall 1 s in 5': TROUBLED,
  'an observer was blocked for 8 s': TROUBLED,
  'an observer was stopped for 8 s': TROUBLED,
  'an observer was stopped for 60 s': TROUBLED,
  '20 % loss': LOSS,
  '30 % loss': TOLD,
  '20 % loss, one stalls': TROUBLED_AND_LOSS,
  'latency of 100 to 400 ms': TROUBLED,
  'one node half connected': CALM,
  'a rolling restart': RESTARTED,
  'the whole cluster was paused for 60 s': TROUBLED,
};

/** Everybody watches all others in a cluster of up to so many nodes. */
const ALL_WATCH_NODES = 11;

export function boundOf(nodes: number, circumstance: string, fault: string): Bound {
  return fault === PAIR_CUT && nodes > ALL_WATCH_NODES ? UNWATCHED : BY_CIRCUMSTANCE[circumstance]!;
}
