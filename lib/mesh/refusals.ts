import type { RefusedEvent } from '../membership/events.js';
import type { MeshExplanation } from '../membership/explanation.js';

const KEPT = 20;

/** The last strangers who were refused at our door. */
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
