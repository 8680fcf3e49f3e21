import type { Core, PeerRecord } from './core.js';
import type { Beat } from '../wire/messages.js';
import { isMonitored } from './monitors.js';

/** Starts to beat to a monitored peer, and to wait for its signs of life. */
export function startBeats(core: Core, peer: PeerRecord): void {
  const { intervalMs, suspectMs } = core.config.heartbeat;
  const { bootId } = peer.node;
  if (!isMonitored(core, bootId) || peer.link === undefined) return;
  // The first interval is shortened at random: connections made together do not beat together for ever.
  core.timers.set(`beat ${bootId}`, core.nowMs + intervalMs * (0.5 + 0.5 * core.config.random()));
  core.timers.set(`silence ${bootId}`, core.nowMs + suspectMs);
}

export function stopBeats(core: Core, { node }: PeerRecord): void {
  core.timers.delete(`beat ${node.bootId}`);
  core.timers.delete(`silence ${node.bootId}`);
}

/** It is time to be heard, and on a ring, where the other side does not beat on its own, to ask for a beat. */
export function beatDue(core: Core, peer: PeerRecord): void {
  sendBeat(core, peer, core.monitored !== undefined);
  core.timers.set(`beat ${peer.node.bootId}`, core.nowMs + core.config.heartbeat.intervalMs);
}

/** Sends a beat now. `answer` asks for one back at once. */
export function sendBeat(core: Core, peer: PeerRecord, answer = false): void {
  if (peer.link === undefined) return;
  const { lastBeat } = peer;
  const echo = lastBeat && { echo: lastBeat.sentAt, heldMs: core.nowMs - lastBeat.atMs };
  const silentMs = unheardFor(core, peer);
  core.send(peer.link, {
    kind: 'beat',
    body: {
      sentAt: core.nowMs,
      ...echo,
      ...(answer && { now: true }),
      ...(silentMs !== undefined && { silentMs }),
    },
  });
}

/** A beat came: it measures the round trip, without what the other side held it back. */
export function takeBeat(core: Core, peer: PeerRecord, beat: Beat): void {
  peer.lastBeat = { sentAt: beat.sentAt, atMs: core.nowMs };
  if (beat.echo !== undefined) peer.rttMs = Math.max(0, core.nowMs - beat.echo - (beat.heldMs ?? 0));
  if (beat.now) sendBeat(core, peer);
}

/** For how long a suspect has not been heard here: our beats and probes tell it so. Undefined when it is heard. */
export function unheardFor(core: Core, peer: PeerRecord): number | undefined {
  if (!peer.suspicion || !isMonitored(core, peer.node.bootId)) return undefined;
  const silentMs = core.nowMs - Math.max(peer.heardAtMs, core.health.lag.atMs);
  return silentMs >= core.config.heartbeat.suspectMs ? silentMs : undefined;
}
