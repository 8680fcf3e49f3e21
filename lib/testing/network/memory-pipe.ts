import type { Pipe, PipeEvents } from '../../mesh/transport/frame-link.js';
import type { MemoryWire, Packet } from './memory-wire.js';

/** One end of a connection in memory. Behaves as a socket does: ordered, half-closed by `end`, slow when cut. */
export class MemoryPipe implements Pipe {
  private out!: MemoryWire;
  private events: PipeEvents | undefined;
  private arrived: Packet[] | undefined = [];
  private state: 'open' | 'ended' | 'gone' | 'closed' = 'open';
  private closedBy: string | undefined;
  /** Told when the way has room again. */
  private unhanded: (() => void)[] = [];

  constructor(
    readonly remoteAddress: string,
    private readonly defer: (callback: () => void) => void,
    private readonly onClosed: () => void,
  ) {}

  get isClosed(): boolean {
    return this.state === 'gone' || this.state === 'closed';
  }

  get bufferedBytes(): number {
    return this.out.excessBytes;
  }

  /** The way to the other end. */
  connectTo(wire: MemoryWire): void {
    this.out = wire;
  }

  attach(events: PipeEvents): void {
    this.events = events;
    // It may have been broken before there was anybody to tell.
    if (this.closedBy !== undefined) this.tellClosed(this.closedBy);
  }

  start(): void {
    const arrived = this.arrived ?? [];
    this.arrived = undefined;
    if (arrived.length > 0) this.defer(() => arrived.forEach((packet) => this.take(packet)));
  }

  write(buffers: readonly Buffer[], handed?: () => void): boolean {
    if (this.state !== 'open') return false;
    // A copy, as on a real wire: what the sender does to its buffer later must not change what arrives.
    const hasRoom = this.out.send({ type: 'data', bytes: Buffer.concat(buffers) });
    if (handed && hasRoom) this.defer(handed);
    else if (handed) this.unhanded.push(handed);
    return hasRoom;
  }

  end(): void {
    if (this.state === 'gone') this.close('EOF');
    if (this.state !== 'open') return;
    this.state = 'ended';
    this.out.send({ type: 'end' });
  }

  destroy(): void {
    this.end();
    this.close('EOF');
  }

  /** The connection breaks, here and now. */
  reset(): void {
    if (this.state !== 'gone') this.close('ECONNRESET');
  }

  /**
   * The process of this end is gone: nobody here hears of anything before it lets go itself, the other end
   * hears the kernel.
   */
  vanish(): void {
    if (this.isClosed) return;
    this.out.send({ type: 'reset' });
    this.state = 'gone';
    this.onClosed();
  }

  /** Runs something at the other end, in order with what is written. */
  call(run: () => void): void {
    this.out.send({ type: 'call', run });
  }

  /** A packet from the other end. */
  receive(packet: Packet): void {
    if (packet.type === 'call') packet.run();
    else if (this.arrived) this.arrived.push(packet);
    else this.take(packet);
  }

  /** The way to the other end has room again. */
  drained(): void {
    if (this.isClosed) return;
    for (const handed of this.unhanded.splice(0)) handed();
    this.events?.drained();
  }

  private take(packet: Packet): void {
    if (this.isClosed) return;
    if (packet.type === 'data') this.events?.data(packet.bytes);
    else if (packet.type === 'reset') this.reset();
    else if (packet.type === 'end') {
      this.events?.ended();
      this.destroy();
    }
  }

  private close(code: string): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.closedBy = code;
    this.onClosed();
    this.tellClosed(code);
  }

  private tellClosed(code: string): void {
    const { events } = this;
    if (events) this.defer(() => events.closed(code));
  }
}
