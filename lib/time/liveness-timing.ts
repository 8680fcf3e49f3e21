import type { HeartbeatOptions } from '../peerage.options.js';

/** A burst of probes: 30 in 1.5 s. At 50 % loss each way, one round trip in four works: all fail once in 5,600. */
export const BURST_PROBES = 30;

/** So many probes of a burst are lost by chance once in 460 times at 20 % loss; then others are told of the doubt. */
export const TELL_AFTER_PROBES = 6;

/** The first probes of a connection only learn whether any get through. They come so many beats after its begin… */
export const TRIAL_AFTER_BEATS = 3;

/**
 * …and are so many, two a beat. At 20 % loss each way all fail once in 460 times; and their end comes later than a
 * suspicion can, so that a cut at the very beginning is not taken for a port that is closed.
 */
export const TRIAL_PROBES = 6;

/**
 * Until one gets through, since who opens the port of a firewall wants to see that it helped; and so long after one did,
 * since who closes it ought to hear of it before a node stands still.
 */
export const NEXT_TRIAL_MS = 30_000;

/** A later trial is made again and again: at 20 % loss each way all of these fail once in 200,000 times. */
export const LATER_TRIAL_PROBES = 12;

/** A process whose main loop has not moved for this long is degraded. */
export const DEGRADED_LAG_MS = 1_000;

/** A wake-up later than this is put off by one turn, once: what has arrived is read before anyone is judged. */
export const READ_FIRST_MS = 50;

/** Nobody is beaten to more often than this, whatever it asks for. */
export const SHORTEST_BEAT_MS = 50;

/** Changes of the ring are taken in together, this long after the first. */
export const RETUNE_MS = 1_000;

/** The longest that the end of a broken connection takes to be believed, when nothing answers a dial. */
const REDIAL_MS = 2_000;

/** The least time for a burst of probes and their answers. */
const SHORTEST_WINDOW_MS = 100;

/** The most that one turn of our loop adds to the silence of others, however long it took. */
const LONGEST_STEP_MS = 500;

const PROBE_EVERY_MS = 50;

/** Every span of time that the liveness of a peer depends on, in milliseconds of counted silence but for `capMs`. */
export interface Timing extends HeartbeatOptions {
  /** From suspicion to down, when nothing speaks against it: the burst of probes fits into it. */
  readonly windowMs: number;
  readonly probeEveryMs: number;
  /** The pause after an answered probe, or a whole burst. */
  readonly nextBurstMs: number;
  /** What one turn of our loop adds at most. */
  readonly stepMs: number;
  /** Whom nobody watches on the ring is beaten to so often… */
  readonly slowBeatMs: number;
  /** …and suspected after this silence. */
  readonly slowSuspectMs: number;
  /** Who was heard so lately is heard, when another node asks. */
  readonly freshMs: number;
  /** A stream that has been under suspicion for so long while its process lives is replaced… */
  readonly stalledMs: number;
  /** …and again after this. */
  readonly reconnectEveryMs: number;
  /** A peer whose connection broke has at least this long to be reached again. */
  readonly redialMs: number;
}

/** All spans follow from the options, so that a shorter `downMs` is a faster rule and no other one. */
export function timingOf(heartbeat: HeartbeatOptions): Timing {
  const { intervalMs, suspectMs, downMs } = heartbeat;
  const windowMs = downMs - suspectMs;
  return {
    ...heartbeat,
    windowMs,
    probeEveryMs: Math.min(PROBE_EVERY_MS, windowMs / BURST_PROBES),
    nextBurstMs: intervalMs,
    stepMs: Math.min(LONGEST_STEP_MS, windowMs / 3),
    slowBeatMs: 17 * intervalMs,
    slowSuspectMs: Math.max(25 * intervalMs, suspectMs),
    freshMs: 1.5 * intervalMs,
    stalledMs: downMs + windowMs,
    reconnectEveryMs: downMs / 2,
    redialMs: Math.min(REDIAL_MS, downMs / 2),
  };
}

/** `capMs` where it is not given: twice `downMs` always fits into it. */
export function defaultCapMs(downMs: number): number {
  return Math.max(20_000, 2 * downMs);
}

/** What does not fit together in the options, one sentence each: what the spans above rely on. */
export function timingFaults({ intervalMs, suspectMs, downMs, capMs }: HeartbeatOptions): string[] {
  const faults: string[] = [];
  if (!(intervalMs < suspectMs && suspectMs < downMs)) {
    const fitting = `for a downMs of ${downMs}, ${Math.floor(downMs / 4)} and ${Math.floor(downMs * 0.625)} fit`;
    faults.push(
      `intervalMs (${intervalMs}) must be less than suspectMs (${suspectMs}), and that less than downMs (${downMs}); ${fitting}.`,
    );
  } else if (downMs - suspectMs < SHORTEST_WINDOW_MS) {
    faults.push(
      `between suspectMs (${suspectMs}) and downMs (${downMs}) a suspect is probed, which takes ${SHORTEST_WINDOW_MS} ms at least; lower suspectMs.`,
    );
  }
  if (capMs < downMs) faults.push(`capMs (${capMs}) must be at least downMs (${downMs}).`);
  return faults;
}
