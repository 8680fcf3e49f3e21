import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { Packr, RESERVE_START_SPACE } from 'msgpackr';
import { Batch, onFrames } from './framing.mjs';

export const name = 'bare engine: TLS 1.3 PSK, msgpackr';

const SUITE = 'TLS_AES_128_GCM_SHA256';
const KEY = Buffer.alloc(32, 7);
const IDENTITY = 'bench';
const EVENT = 0;

/** TLS, MessagePack and the numbers of requests: nothing else that a cluster needs. */
export async function serve({ onEvent, nodes = 1 }) {
  const options = { ciphers: SUITE, minVersion: 'TLSv1.3', pskCallback: () => KEY };
  const servers = [];
  for (let i = 0; i < nodes; i++) {
    const server = createServer(options, (socket) => {
      socket.setNoDelay(true);
      const send = sender(socket);
      receive(socket, ([id, data]) => (id === EVENT ? onEvent(data) : send([id, data])));
      socket.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
  }
  return {
    address: servers.map((server) => server.address().port),
    close: () => servers.forEach((server) => server.close()),
  };
}

export async function call(address) {
  const callers = await Promise.all(address.map(callOne));
  return {
    request: callers[0].request,
    event: callers[0].event,
    broadcast: (data) => callers.map(({ event }) => event(data)).find((room) => room),
    close: () => callers.forEach(({ close }) => close()),
  };
}

async function callOne(port) {
  const socket = connect({
    port,
    host: '127.0.0.1',
    ciphers: SUITE,
    minVersion: 'TLSv1.3',
    ca: [],
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk: KEY, identity: IDENTITY }),
  });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  const send = sender(socket);
  const pending = new Map();
  let lastId = 0;
  receive(socket, ([id, value]) => {
    pending.get(id)(value);
    pending.delete(id);
  });
  return {
    request: (data) =>
      new Promise((resolve) => {
        const id = ++lastId;
        pending.set(id, resolve);
        void send([id, data]);
      }),
    event: (data) => send([EVENT, data]),
    close: () => socket.destroy(),
  };
}

function codec() {
  return new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true });
}

function sender(socket) {
  const packr = codec();
  const batch = new Batch(socket);
  return (message) => {
    const frame = packr.pack(message, RESERVE_START_SPACE + 4);
    frame.writeUInt32BE(frame.length - 4, 0);
    return batch.push(frame);
  };
}

/** Small bodies are decoded in one buffer that is used again and again: msgpackr is a third faster so. */
function receive(socket, onMessage) {
  const packr = codec();
  const scratch = Buffer.allocUnsafeSlow(4096);
  onFrames(socket, (bytes, start, end) => {
    if (end - start > scratch.length) return onMessage(packr.unpack(bytes.subarray(start, end)));
    bytes.copy(scratch, 0, start, end);
    onMessage(packr.unpack(scratch, end - start));
  });
}
