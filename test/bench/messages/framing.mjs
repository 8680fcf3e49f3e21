/** Cuts a socket's bytes into frames of a 4-byte length: what any engine must do. */
export function onFrames(socket, onFrame) {
  let rest;
  socket.on('data', (chunk) => {
    const bytes = rest ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      onFrame(bytes, at + 4, end);
      at = end;
    }
    rest = at < bytes.length ? bytes.subarray(at) : undefined;
  });
}

/** Writes the frames of one turn together. */
export class Batch {
  constructor(socket) {
    this.socket = socket;
    this.frames = [];
    this.flush = () => {
      const { frames } = this;
      this.frames = [];
      this.isFull = !socket.write(frames.length === 1 ? frames[0] : Buffer.concat(frames));
    };
    socket.on('drain', () => {
      this.isFull = false;
      this.onDrain?.();
    });
  }

  /** Resolves undefined when there is room, else to a promise of it. */
  push(frame) {
    if (this.frames.push(frame) === 1) setImmediate(this.flush);
    return this.isFull ? new Promise((resolve) => (this.onDrain = resolve)) : undefined;
  }
}
