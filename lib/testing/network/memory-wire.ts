import type { Clock } from '../../time/clock.js';

export type Packet =
  | { readonly type: 'data'; readonly bytes: Buffer }
  | { readonly type: 'end' | 'reset' }
  | { readonly type: 'call'; readonly run: () => void };

/** What one direction of a connection asks about its route at every packet. */
export interface Route {
  readonly clock: Clock;
  isCut(): boolean;
  latencyMs(): number;
}

/** What may be under way at once; more waits at the sender, as behind a full socket buffer. */
const WINDOW_BYTES = 256 * 1024;

/**
 * One direction of a connection in memory: ordered, delayed, and as patient as TCP when its route is cut:
 * nothing is lost, it arrives once the route is whole again.
 */
export class MemoryWire {
  private readonly packets: { readonly packet: Packet; readonly dueMs: number }[] = [];
  private waitingBytes = 0;
  private isFull = false;
  private isTicking = false;

  constructor(
    private readonly route: Route,
    private readonly deliver: (packet: Packet) => void,
    private readonly drained: () => void,
  ) {}

  /** Bytes beyond the window. */
  get excessBytes(): number {
    return Math.max(0, this.waitingBytes - WINDOW_BYTES);
  }

  /** `false`: the window is full; `drained` follows. */
  send(packet: Packet): boolean {
    this.packets.push({ packet, dueMs: this.route.clock.now() + this.route.latencyMs() });
    this.waitingBytes += sizeOf(packet);
    this.isFull = this.waitingBytes >= WINDOW_BYTES;
    this.tick();
    return !this.isFull;
  }

  /** The route may be whole again. */
  tick(): void {
    const first = this.packets[0];
    if (!first || this.isTicking || this.route.isCut()) return;
    this.isTicking = true;
    this.route.clock.after(Math.max(0, first.dueMs - this.route.clock.now()), () => {
      this.isTicking = false;
      if (!this.route.isCut()) this.deliverFirst();
    });
  }

  private deliverFirst(): void {
    const first = this.packets.shift();
    if (!first) return;
    this.waitingBytes -= sizeOf(first.packet);
    this.deliver(first.packet);
    if (this.isFull && this.waitingBytes < WINDOW_BYTES) {
      this.isFull = false;
      this.drained();
    }
    this.tick();
  }
}

function sizeOf(packet: Packet): number {
  return packet.type === 'data' ? packet.bytes.length : 0;
}
