import type { Core, PeerRecord } from './core.js';
import type { Moment } from './running-clock.js';

/** How a peer stands by the rule. All times in milliseconds. */
export interface Verdict {
  /** Silence on the clock that runs only while our loop runs. */
  readonly countedMs: number;
  /** The counted silence that ends the peer: `downMs`, times the multiplier. */
  readonly deadlineMs: number;
  readonly multiplier: 1 | 2;
  /** Why the multiplier is more than 1. */
  readonly because?: string;
  /** So long, at least, until it is down. */
  readonly leftMs: number;
}

/** The silence of a peer that counts: since its last sign of life, and no further back than its suspicion allows. */
export function countedSilence(core: Core, { heard, proven, suspicion }: PeerRecord): number {
  // That we hear it says nothing while the question is whether it hears us.
  const heardRunMs = suspicion?.why === 'unheard' ? Number.NEGATIVE_INFINITY : heard.runMs;
  const signs = [heardRunMs, proven?.runMs, suspicion?.countsFromMs];
  return core.clock.now.runMs - Math.max(...signs.map((runMs) => runMs ?? Number.NEGATIVE_INFINITY));
}

/** How much more silence makes a peer a suspect: of whom we watch less than of all others. */
export function patienceLeft(core: Core, peer: PeerRecord): number {
  const { suspectMs, slowSuspectMs } = core.timing;
  const silentMs = countedSilence(core, peer);
  if (!peer.watched) return slowSuspectMs - silentMs;
  return suspectMs - Math.min(silentMs, core.clock.now.runMs - peer.watched.runMs);
}

/** Whether a peer is a suspect, and nothing has proved since that it lives. */
export function isInDoubt(core: Core, peer: PeerRecord): boolean {
  return peer.suspicion !== undefined && countedSilence(core, peer) >= core.timing.suspectMs;
}

/** The one deadline of a suspect. */
export function judge(core: Core, peer: PeerRecord): Verdict {
  const { downMs } = core.timing;
  const countedMs = countedSilence(core, peer);
  const because = whyLonger(peer);
  const multiplier = because === undefined ? 1 : 2;
  const deadlineMs = multiplier * downMs;
  const leftMs = Math.min(deadlineMs - countedMs, capLeft(core, peer));
  return { countedMs, deadlineMs, multiplier, ...(because !== undefined && { because }), leftMs };
}

/** Where probes cannot decide, silence over TCP alone may be loss: it is given twice the time. */
function whyLonger({ answersProbes, probes, suspicion }: PeerRecord): string | undefined {
  if (!answersProbes) return 'it answers no probes, as it says';
  const isVouched = [...(suspicion?.asked.values() ?? [])].some(({ answer }) => answer === 'hears it');
  return isVouched && probes === 'unanswered' ? 'others hear it, and no probe gets through to it' : undefined;
}

/**
 * What the cap leaves: of the wall time since the connection brought anything, but always the time for one burst of
 * probes, or for a new connection when it broke, since our loop may have stood still for most of the rest; after a long
 * stop of ours anew, for what the connection brought meanwhile is read only now. A process that answers probes has as
 * long to be connected again, and no longer: it lives, and does nothing for us. Only one whose loop is blocked, as its
 * answers tell, is kept for as long as they come.
 */
function capLeft(core: Core, { heard, proven, blocked, suspicion }: PeerRecord): number {
  if (!suspicion) return Number.POSITIVE_INFINITY;
  const { now, stoodStillUntil } = core.clock;
  const { lost, since, why } = suspicion;
  const { capMs, suspectMs, windowMs, redialMs } = core.timing;
  const signMs = why === 'unheard' || why === 'lost' ? since.ms : heard.ms;
  // A suspicion may begin late: of whom we do not watch, or when our own loop stood still.
  const provenMs = Math.min(proven?.ms ?? Number.NEGATIVE_INFINITY, since.ms - suspectMs);
  const fromMs = Math.max(signMs, provenMs, blocked?.ms ?? Number.NEGATIVE_INFINITY);
  const ranMs = (begin: Moment): number => now.runMs - Math.max(begin.runMs, stoodStillUntil.runMs);
  const leastMs = lost ? redialMs - ranMs(lost) : windowMs - ranMs(since);
  return Math.max(capMs - (now.ms - fromMs), leastMs);
}
