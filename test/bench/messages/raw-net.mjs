import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Batch, onFrames } from './framing.mjs';

export const name = 'raw node:net, Buffer echo';

/** The floor: length, kind and number, and a Buffer that goes back as it came. */
export async function serve({ onEvent }) {
  const server = createServer({ noDelay: true }, (socket) => {
    const batch = new Batch(socket);
    onFrames(socket, (bytes, start, end) => {
      if (bytes[start] === 0) return onEvent();
      void batch.push(Buffer.concat([bytes.subarray(start - 4, end)]));
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { address: [server.address().port], close: () => server.close() };
}

export async function call(address) {
  const socket = connect({ port: address[0], host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const batch = new Batch(socket);
  const contents = new Map();
  const pending = new Map();
  let lastId = 0;
  onFrames(socket, (bytes, start) => {
    const id = bytes.readUInt32BE(start + 1);
    pending.get(id)(bytes);
    pending.delete(id);
  });
  const frame = (kind, id, data) => {
    const content = contents.get(data) ?? Buffer.from(JSON.stringify(data));
    contents.set(data, content);
    const bytes = Buffer.allocUnsafe(9 + content.length);
    bytes.writeUInt32BE(5 + content.length, 0);
    bytes[4] = kind;
    bytes.writeUInt32BE(id, 5);
    content.copy(bytes, 9);
    return bytes;
  };
  return {
    request: (data) =>
      new Promise((resolve) => {
        const id = ++lastId;
        pending.set(id, resolve);
        void batch.push(frame(1, id, data));
      }),
    event: (data) => batch.push(frame(0, 0, data)),
    close: () => socket.destroy(),
  };
}
