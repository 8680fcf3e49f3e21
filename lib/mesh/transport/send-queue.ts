import { Fifo } from './fifo.js';
import type { Frame } from '../../wire/frame-writer.js';
import { joinSmall } from './join-small.js';

/** What one write takes at most, one large frame excepted. */
const BATCH_BYTES = 64 * 1024;

/** Frames that wait for the network, in order; urgent ones before all others. */
export class SendQueue {
  private readonly urgent = new Fifo<Frame>();
  private readonly normal = new Fifo<Frame>();
  private waitingBytes = 0;

  get bytes(): number {
    return this.waitingBytes;
  }

  push(frame: Frame, urgent: boolean): void {
    (urgent ? this.urgent : this.normal).push(frame);
    this.waitingBytes += frame.length;
  }

  /** Takes the next frames, as few buffers as make sense, to be written together. */
  take(): Buffer[] {
    if (this.waitingBytes === 0) return [];
    const frames: Frame[] = [];
    let bytes = 0;
    for (let lane = this.next(); lane.first && bytes < BATCH_BYTES; lane = this.next()) {
      const frame = lane.shift()!;
      bytes += frame.length;
      frames.push(frame);
    }
    this.waitingBytes -= bytes;
    return joinSmall(frames);
  }

  clear(): void {
    this.urgent.drain();
    this.normal.drain();
    this.waitingBytes = 0;
  }

  private next(): Fifo<Frame> {
    return this.urgent.length > 0 ? this.urgent : this.normal;
  }
}
