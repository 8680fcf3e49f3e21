import type { Core, PeerRecord } from './core.js';
import type { Beat } from '../wire/frames.js';
import { cannotReach, takeUnreached } from './reach.js';
import { countedSilence } from './rule.js';
import { SHORTEST_BEAT_MS } from '../time/liveness-timing.js';

/** Slow beats are begun by one side, at first the dialer; the other one waits so much longer before it begins. */
const NEXT_TURN = 1.1;

/** A connection begins: from now on both sides beat, as often as the other side asks for. */
export function startBeats(core: Core, peer: PeerRecord): void {
  const { bootId } = peer.node;
  const { intervalMs, slowBeatMs } = core.timing;
  delete peer.askedEveryMs;
  delete peer.wantsEveryMs;
  // At random: connections made together do not beat together for ever. Whom we watch is soon told.
  const isFirst = core.links.get(peer.link!)?.direction === 'outbound';
  const slowMs = slowBeatMs * (isFirst ? core.config.random() : NEXT_TURN);
  const pauseMs = peer.watched ? intervalMs * (0.5 + 0.5 * core.config.random()) : slowMs;
  core.timers.set('beat', bootId, core.nowMs + pauseMs);
  core.timers.set('judge', bootId, core.nowMs);
}

export function stopBeats(core: Core, { node }: PeerRecord): void {
  core.timers.delete('beat', node.bootId);
  core.timers.delete('judge', node.bootId);
}

/** It is time to be heard. A slow beat asks for one back, so that one of the two sides is enough to begin. */
export function beatDue(core: Core, peer: PeerRecord): void {
  sendBeat(core, peer, peer.wantsEveryMs === undefined);
}

/** Sends a beat now. `answer` asks for one back at once. */
export function sendBeat(core: Core, peer: PeerRecord, answer = false): void {
  if (peer.link === undefined) return;
  const { lastBeat, wantsEveryMs } = peer;
  const everyMs = peer.watched ? core.timing.intervalMs : 0;
  const silentMs = silenceToTell(core, peer);
  const unreached = cannotReach(peer);
  core.send(peer.link, {
    kind: 'beat',
    body: {
      sentAt: core.nowMs,
      ...(lastBeat && { echo: lastBeat.sentAt, heldMs: core.nowMs - lastBeat.atMs }),
      ...(answer && { now: true }),
      ...(everyMs !== (peer.askedEveryMs ?? 0) && { everyMs }),
      ...(silentMs !== undefined && { silentMs }),
      ...(unreached !== undefined && { unreached }),
      ...(core.answersProbes !== peer.toldAnswers && { answersProbes: core.answersProbes }),
    },
  });
  peer.toldAnswers = core.answersProbes;
  delete peer.lastBeat;
  peer.askedEveryMs = everyMs;
  core.timers.set('beat', peer.node.bootId, core.nowMs + (wantsEveryMs ?? core.timing.slowBeatMs));
}

/** A beat came: it measures the round trip, and may ask for beats, or for one at once. */
export function takeBeat(core: Core, peer: PeerRecord, beat: Beat): void {
  peer.lastBeat = { sentAt: beat.sentAt, atMs: core.nowMs };
  if (beat.echo !== undefined) {
    peer.echoMs = beat.echo;
    peer.rttMs = Math.max(0, core.nowMs - beat.echo - (beat.heldMs ?? 0));
    core.out.push({ type: 'roundTrip', ms: peer.rttMs });
  }
  takeUnreached(core, peer, beat.unreached);
  if (beat.answersProbes !== undefined) peer.answersProbes = beat.answersProbes;
  if (beat.everyMs === 0) delete peer.wantsEveryMs;
  else if (beat.everyMs !== undefined) peer.wantsEveryMs = Math.max(beat.everyMs, SHORTEST_BEAT_MS);
  if (beat.now) sendBeat(core, peer);
  const pauseMs = peer.wantsEveryMs ?? (beat.now ? NEXT_TURN * core.timing.slowBeatMs : undefined);
  if (pauseMs !== undefined && (beat.now || beat.everyMs !== undefined))
    core.timers.set('beat', peer.node.bootId, core.nowMs + pauseMs);
}

/** For how long a suspect has not been heard here: our beats and probes tell it so. Undefined when it is heard. */
export function silenceToTell(core: Core, peer: PeerRecord): number | undefined {
  const { suspicion } = peer;
  if (!suspicion?.isTold || suspicion.why === 'unheard') return undefined;
  const silentMs = countedSilence(core, peer);
  return silentMs >= core.timing.suspectMs ? silentMs : undefined;
}
