import type { PeerageErrorCode } from '../errors/peerage-error.js';
import { BLOCKED_MS, type LoopWatch, WAS_LATE } from '../time/loop-watch.js';
import { seconds } from '../time/seconds.js';
import type { RefusedEvent } from '../membership/events.js';
import type { MeshExplanation } from '../membership/explanation.js';

const KEPT = 20;

/** What a caller does that has waited in vain. */
const GIVEN_UP: ReadonlySet<PeerageErrorCode> = new Set(['CONNECTION_LOST', 'HANDSHAKE_TIMEOUT']);

/** Whoever gave up while our own loop stood still is not to blame: what is told instead. */
export function ownFault(
  code: PeerageErrorCode,
  { lagMs, history: { last } }: Pick<LoopWatch, 'lagMs' | 'history'>,
  withinMs: number,
): string | undefined {
  const pastMs = last !== undefined && last.agoMs <= withinMs ? last.forMs : 0;
  const stoodMs = Math.max(pastMs, lagMs >= BLOCKED_MS ? lagMs : 0);
  if (stoodMs === 0 || !GIVEN_UP.has(code)) return undefined;
  return `${WAS_LATE}: its event loop stood still for ${seconds(stoodMs)}, and the caller did not wait so long.`;
}

/** The last strangers that this node refused. */
export class Refusals {
  private readonly kept: { event: RefusedEvent; atMs: number }[] = [];

  add(event: RefusedEvent, atMs: number): void {
    if (event.direction !== 'inbound') return;
    this.kept.unshift({ event, atMs });
    this.kept.length = Math.min(this.kept.length, KEPT);
  }

  list(nowMs: number): MeshExplanation['refused'] {
    return this.kept.map(({ event: { address, name, code, message }, atMs }) => ({
      address,
      ...(name !== undefined && { name }),
      code,
      message,
      agoMs: Math.round(nowMs - atMs),
    }));
  }
}
