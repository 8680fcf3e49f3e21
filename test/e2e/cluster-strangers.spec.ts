import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PeerageErrorCode } from '../../lib/errors/peerage-error.js';
import { FrameKind, WIRE_VERSIONS } from '../../lib/wire/frames.js';
import { encodeFrame } from '../../lib/wire/frame-writer.js';
import { preSharedKey } from '../../lib/mesh/transport/tcp/psk.js';
import { TestAuthority } from '../support/mesh/certificates.js';
import {
  Cluster,
  type ClusterNode,
  freePorts,
  fullMesh,
  nameOn,
  onLoopback,
  SECRET,
} from '../support/processes/cluster.js';
import { has } from '../support/requirements.mjs';

const HANDSHAKE_MS = 700;
const HEAP_BYTES = 20 * 1024 * 1024;

const cluster = new Cluster();
const cleanups: (() => unknown)[] = [];
let port: number;
let node: ClusterNode;
let friend: ClusterNode;

beforeAll(async () => {
  const [first = 0, second = 0] = await freePorts(2);
  port = first;
  const more = { limits: { handshakeMs: HANDSHAKE_MS }, via: [{ list: [nameOn(first), nameOn(second)] }] };
  node = await cluster.start(onLoopback(first, more), { nodeArgs: ['--expose-gc'] });
  friend = await cluster.start(onLoopback(second, more));
  await fullMesh([node, friend]);
});
afterAll(() => cluster.stop());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  // Whoever came, these two never noticed.
  const ours = [node.bootId, friend.bootId];
  const downs = [node, friend].flatMap((each) => each.ofType('peer.down'));
  expect(downs.filter(({ peer }) => ours.includes(peer.bootId))).toEqual([]);
});

it('is not blamed for hanging up while the loop of the node stood still', async () => {
  const from = node.events.length;
  const blocked = node.run('block', 1_500);
  await sleep(100);
  const caller = dialWithKey();
  await sleep(400);
  caller.destroy();
  await blocked;
  const refused = await node.event('peer.refused', () => true, { from });
  expect(refused.code).toBe('CONNECTION_LOST');
  expect(refused.message).toMatch(/^This node was late: its event loop stood still for 1\.\d s/);
});

async function call(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

function dialWithKey(secret = SECRET, label = 'app'): TLSSocket {
  const { identity, key } = preSharedKey(secret, label);
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    pskCallback: () => ({ identity, psk: key }),
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => undefined);
  cleanups.push(() => socket.destroy());
  return socket;
}

/** A TLS client with a key of the cluster, or of another one. */
async function callWithKey(secret = SECRET, label = 'app'): Promise<TLSSocket> {
  const socket = dialWithKey(secret, label);
  await new Promise((resolve) => socket.once('secureConnect', resolve).once('close', resolve));
  return socket;
}

function hello(fault: Record<string, unknown> = {}): Buffer {
  return encodeFrame(
    FrameKind.hello,
    {
      versions: WIRE_VERSIONS,
      cluster: 'app',
      connection: 'x',
      node: { name: 'stranger@127.0.0.1:9', bootId: randomBytes(16).toString('hex'), meta: {} },
      probeKey: randomBytes(32),
      peers: 0,
      limits: { frameBytes: 65_536, messageBytes: 65_536 },
      ...fault,
    },
    1e6,
  );
}

/** The app is told, the log has one readable line, and `explain` knows. */
async function expectRefusal(code: PeerageErrorCode, from: number, direction = 'inbound'): Promise<void> {
  const refused = await node.event(
    'peer.refused',
    (event) => event.code === code && event.direction === direction,
    {
      from,
    },
  );
  expect(refused.address).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(refused.message.length).toBeGreaterThan(20);
  const pattern = direction === 'inbound' ? 'Refused the call of ' : 'No connection to ';
  const lines = () => node.log.filter((line) => line.includes(pattern) && line.includes(` ${code} `));
  // On a busy machine the node may have been late itself, which its log tells of elsewhere.
  if (!refused.message.startsWith('This node was late')) {
    await expect.poll(() => lines().length, { timeout: 5_000 }).toBe(1);
    expect(lines()[0]).toContain(refused.message.slice(0, 20));
  }
  if (direction === 'inbound')
    expect((await node.run('explain')).refused.map((each) => each.code)).toContain(code);
}

describe('strangers at the door of an app', () => {
  it('who have no secret are refused', async () => {
    const from = node.events.length;
    (await call()).write(hello());
    await expectRefusal('SECURITY_MISMATCH', from);
  });

  it('who have another secret are refused', async () => {
    const from = node.events.length;
    await callWithKey('quite another secret, long enough');
    await expectRefusal('WRONG_SECRET', from);
  });

  it('who have the secret and another label are refused', async () => {
    const from = node.events.length;
    await callWithKey(SECRET, 'other');
    await expectRefusal('WRONG_CLUSTER', from);
  });

  it.each([
    ['an older', { min: WIRE_VERSIONS.min - 1, max: WIRE_VERSIONS.min - 1 }],
    ['a newer', { min: WIRE_VERSIONS.max + 1, max: WIRE_VERSIONS.max + 2 }],
  ])('who speak %s version are refused, and told so', async (_what, versions) => {
    const from = node.events.length;
    const socket = await callWithKey();
    const answer: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => answer.push(chunk));
    socket.write(hello({ versions }));
    await once(socket, 'close');
    expect(Buffer.concat(answer).toString('latin1')).toContain('VERSION_MISMATCH');
    await expectRefusal('VERSION_MISMATCH', from);
  });

  it('who speak our version and more are taken', async () => {
    const from = node.events.length;
    const socket = await callWithKey();
    socket.write(hello({ versions: { min: WIRE_VERSIONS.max, max: WIRE_VERSIONS.max + 1 } }));
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first[4]).toBe(FrameKind.welcome);
    socket.destroy();
    await sleep(200);
    expect(node.ofType('peer.refused', from)).toEqual([]);
  });

  it('who speak HTTP are refused', async () => {
    const from = node.events.length;
    (await call()).write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expectRefusal('NOT_PEERAGE', from);
    expect(node.log.find((line) => line.includes('NOT_PEERAGE'))).toContain('HTTP');
  });

  it('who speak nothing at all are refused', async () => {
    const from = node.events.length;
    const bytes = randomBytes(4_096);
    bytes[0] = 0xaa;
    (await call()).write(bytes);
    await node.event('peer.refused', ({ code }) => code === 'NOT_PEERAGE', { from });
  });

  it('who stop in the middle of a hello are refused after a while', async () => {
    const from = node.events.length;
    const socket = await callWithKey();
    const whole = hello();
    socket.write(whole.subarray(0, whole.length >> 1));
    await expectRefusal('HANDSHAKE_TIMEOUT', from);
  });

  it('who announce a frame of 4 GiB are refused before anything is allocated', async () => {
    const from = node.events.length;
    const before = await node.run('load');
    const socket = await callWithKey();
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, FrameKind.hello]));
    await expectRefusal('FRAME_TOO_LARGE', from);
    expect((await node.run('load')).rssBytes - before.rssBytes).toBeLessThan(64 * 1024 * 1024);
  });

  it('who send a hello that makes no sense are refused', async () => {
    const from = node.events.length;
    const socket = await callWithKey();
    socket.write(hello({ node: { name: 'noat', bootId: 'x', meta: [] } }));
    await expectRefusal('MALFORMED_FRAME', from);
  });

  it('500 of them who say nothing keep no good node out', async () => {
    const from = node.events.length;
    const before = await node.run('load');
    const lines = node.log.length;
    for (let i = 0; i < 500; i++) await call();
    const [own = 0] = await freePorts(1);
    const newcomer = await cluster.start(onLoopback(own, { via: [{ list: [nameOn(port)] }] }));
    await fullMesh([node, friend, newcomer]);
    await node.event('peer.refused', ({ code }) => code === 'TOO_MANY_HANDSHAKES', { from });
    await expect
      .poll(() => node.ofType('peer.refused', from).length, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(400);
    // One line for each kind, not one for each caller.
    const said = node.log.slice(lines).filter((line) => line.includes('Refused'));
    expect(said.length).toBeLessThanOrEqual(2);
    await sleep(HANDSHAKE_MS);
    const after = await node.run('load');
    expect(after.heapBytes - before.heapBytes).toBeLessThan(HEAP_BYTES);
    await newcomer.terminate();
    await node.event('peer.down', ({ reason }) => reason === 'left');
  });
});

describe('an address that is no node of the cluster', () => {
  async function answering(server: Server): Promise<string> {
    const [at = 0] = await freePorts(1);
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
    server.on('tlsClientError', () => undefined);
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return nameOn(at, 'impostor');
  }

  it.runIf(has('openssl'))('but a TLS server with a certificate is not trusted', async () => {
    const authority = new TestAuthority();
    cleanups.push(() => authority.dispose());
    const { cert, key } = authority.issue('127.0.0.1');
    const impostor = await answering(createTlsServer({ cert, key }));
    const from = node.events.length;
    await expect(node.run('connect', impostor)).rejects.toThrow(
      /WRONG_SECRET|NOT_AUTHENTICATED|SECURITY_MISMATCH/,
    );
    const [refused] = node.ofType('peer.refused', from);
    await expectRefusal(refused!.code, from, 'outbound');
  });

  it('but speaks HTTP is not taken for one', async () => {
    const web = await answering(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    await expect(node.run('connect', web)).rejects.toThrow(/NOT_PEERAGE/);
  });

  it('but says nothing costs one deadline', async () => {
    const silent = await answering(createServer(() => undefined));
    const startMs = performance.now();
    await expect(node.run('connect', silent)).rejects.toThrow(/DIAL_TIMEOUT/);
    expect(performance.now() - startMs).toBeLessThan(HANDSHAKE_MS + 5_000);
  });
});
