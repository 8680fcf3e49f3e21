import type { Core, LinkRecord, PeerRecord } from './core.js';
import type { Beat } from './messages.js';

/** A wake-up this late says that our own loop was blocked, and that our timers mean nothing. */
const LATE_MS = 500;

/** Sends the first beat of a connection (the dialer's ends the handshake) and keeps them coming. */
export function startBeats(core: Core, peer: PeerRecord, link: LinkRecord): void {
  const { intervalMs, downMs } = core.config.heartbeat;
  if (link.direction === 'outbound') sendBeat(core, peer);
  // The first interval is shortened at random: connections made together do not beat together for ever.
  core.timers.set(`beat ${peer.node.bootId}`, core.nowMs + intervalMs * (0.5 + 0.5 * core.config.random()));
  core.timers.set(`silence ${peer.node.bootId}`, core.nowMs + downMs);
}

export function stopBeats(core: Core, peer: PeerRecord): void {
  core.timers.delete(`beat ${peer.node.bootId}`);
  core.timers.delete(`silence ${peer.node.bootId}`);
}

/** It is time to be heard. */
export function beatDue(core: Core, peer: PeerRecord): void {
  sendBeat(core, peer);
  core.timers.set(`beat ${peer.node.bootId}`, core.nowMs + core.config.heartbeat.intervalMs);
}

/** Sends a beat now. `answer` asks for one back at once. */
export function sendBeat(core: Core, peer: PeerRecord, answer = false): void {
  if (peer.link === undefined) return;
  const { lastBeat } = peer;
  const echo = lastBeat && { echo: lastBeat.sentAt, heldMs: core.nowMs - lastBeat.atMs };
  core.send(peer.link, { kind: 'beat', body: { sentAt: core.nowMs, ...echo, ...(answer && { now: true }) } });
}

/** A beat came: it measures the round trip, without what the other side held it back. */
export function takeBeat(core: Core, peer: PeerRecord, beat: Beat): void {
  peer.lastBeat = { sentAt: beat.sentAt, atMs: core.nowMs };
  if (beat.echo !== undefined) {
    peer.rttMs = Math.max(0, core.nowMs - beat.echo - (beat.heldMs ?? 0));
  }
  if (beat.now) sendBeat(core, peer);
}

/** Whether this peer has been silent for too long. Looks again when it could be. */
export function isSilent(core: Core, peer: PeerRecord): boolean {
  const deadlineMs = silenceStart(core, peer) + core.config.heartbeat.downMs;
  if (core.nowMs >= deadlineMs) return true;
  core.timers.set(`silence ${peer.node.bootId}`, deadlineMs);
  return false;
}

/** Our own loop was late by `lateMs`. Returns whether that was long enough to distrust our timers. */
export function noteLag(core: Core, lateMs: number): boolean {
  if (lateMs < LATE_MS) return false;
  core.lag = { atMs: core.nowMs, lateMs };
  return true;
}

/** Silence counts only while our own loop ran: after a late wake-up, what has arrived is read first. */
function silenceStart(core: Core, peer: PeerRecord): number {
  return Math.max(peer.heardAtMs, core.lag.atMs);
}
