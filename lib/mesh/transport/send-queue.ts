import { Fifo } from './fifo.js';
import type { Frame } from '../../wire/frame-writer.js';
import { coalesce } from './join-small.js';

/** What one write takes at most, one large frame excepted. */
const BATCH_BYTES = 64 * 1024;

/** Frames that wait for the network, in order; urgent ones before all others. */
export class SendQueue {
  /** By what they replace, while it waits: the last beat says all that those before it said. */
  private readonly urgent = new Map<string, Frame>();
  private readonly normal = new Fifo<Frame>();
  private waitingBytes = 0;

  get bytes(): number {
    return this.waitingBytes;
  }

  push(frame: Frame): void {
    this.normal.push(frame);
    this.waitingBytes += frame.length;
  }

  /** Queues a frame before all others, in place of the one that waits under the same key. */
  pushUrgent(frame: Frame, key: string): void {
    this.waitingBytes += frame.length - (this.urgent.get(key)?.length ?? 0);
    this.urgent.set(key, frame);
  }

  /** Takes the next frames, as few buffers as make sense, to be written together. */
  take(): Buffer[] {
    if (this.waitingBytes === 0) return [];
    const frames = [...this.urgent.values()];
    this.urgent.clear();
    let bytes = frames.reduce((sum, { length }) => sum + length, 0);
    while (this.normal.length > 0 && bytes < BATCH_BYTES) {
      const frame = this.normal.shift()!;
      bytes += frame.length;
      frames.push(frame);
    }
    this.waitingBytes -= bytes;
    return coalesce(frames);
  }

  clear(): void {
    this.urgent.clear();
    this.normal.drain();
    this.waitingBytes = 0;
  }
}
