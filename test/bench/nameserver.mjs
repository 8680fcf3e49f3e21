import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const A = 1;
const CLASS_IN = 1;
const ANSWER_FLAGS = 0x8580;

/** A nameserver on loopback for which every name has the same IPv4 addresses. Returns where it is, and its end. */
export async function startNameserver(addresses) {
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => socket.send(answer(query, addresses), port, address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { address: `127.0.0.1:${socket.address().port}`, stop: () => socket.close() };
}

function answer(query, addresses) {
  // The name ends with a zero byte; type and class follow.
  const questionEnd = query.indexOf(0, 12) + 5;
  const question = query.subarray(12, questionEnd);
  const records = question.readUInt16BE(question.length - 4) === A ? addresses.map(record) : [];
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(ANSWER_FLAGS, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records]);
}

function record(address) {
  const bytes = Buffer.alloc(16);
  // A pointer to the name in the question.
  bytes.writeUInt16BE(0xc00c, 0);
  bytes.writeUInt16BE(A, 2);
  bytes.writeUInt16BE(CLASS_IN, 4);
  bytes.writeUInt32BE(0, 6);
  bytes.writeUInt16BE(4, 10);
  Buffer.from(address.split('.').map(Number)).copy(bytes, 12);
  return bytes;
}
