import type { Frame } from './frames.js';

/** Frames from this size on are written as they are; smaller neighbours are copied into one buffer. */
const LARGE_BYTES = 10 * 1024;
/** What one write takes at most, one large frame excepted. */
const BATCH_BYTES = 64 * 1024;

/** Frames that wait for the network, in order; urgent ones before all others. */
export class SendQueue {
  private readonly urgent: Frame[] = [];
  private normal: (Frame | undefined)[] = [];
  private head = 0;
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
    const buffers: Buffer[] = [];
    let small: Frame[] = [];
    let bytes = 0;
    for (let frame = this.next(); frame && bytes < BATCH_BYTES; frame = this.next()) {
      this.shift();
      bytes += frame.length;
      if (frame.length < LARGE_BYTES) {
        small.push(frame);
        continue;
      }
      if (small.length > 0) buffers.push(join(small));
      small = [];
      buffers.push(frame);
    }
    if (small.length > 0) buffers.push(join(small));
    this.waitingBytes -= bytes;
    return buffers;
  }

  clear(): void {
    this.urgent.length = 0;
    this.normal = [];
    this.head = 0;
    this.waitingBytes = 0;
  }

  private next(): Frame | undefined {
    return this.urgent[0] ?? this.normal[this.head];
  }

  private shift(): void {
    if (this.urgent.length > 0) {
      this.urgent.shift();
      return;
    }
    this.normal[this.head++] = undefined;
    // The taken half goes in one move, so that each frame is moved once at most, on average.
    if (2 * this.head < this.normal.length) return;
    this.normal.splice(0, this.head);
    this.head = 0;
  }
}

function join(frames: readonly Frame[]): Buffer {
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames);
}
