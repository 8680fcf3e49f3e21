import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeFrame } from '../../lib/wire/frame-writer.js';
import { preSharedKey } from '../../lib/mesh/transport/tcp/psk.js';
import { MISMATCH_ALERT } from '../../lib/mesh/transport/tcp/protocol-detection.js';
import {
  dialFailure,
  dialTcp,
  LOOPBACK,
  SECRET,
  stranger,
  tcpNode,
  withSecret,
} from '../support/mesh/tcp-node.js';

const PLAINTEXT = { security: { kind: 'none' } } as const;
const HTTP = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const RANDOM = Buffer.from('f3a91c77d2e04b58', 'hex');
const HELLO = encodeFrame(1, { hello: true }, 16_384);
const QUICK = { limits: { handshakeMs: 200 } };

/** Sends bytes and waits for the end. */
async function say(port: number, bytes: string | Uint8Array): Promise<Buffer> {
  const { socket, received } = stranger(port);
  socket.write(bytes);
  return received;
}

/** A good node gets in. */
async function expectOpen(node: Awaited<ReturnType<typeof tcpNode>>, wish = {}): Promise<void> {
  const near = await dialTcp(node.port, wish);
  near.link.send(1, 'hello');
  const far = await node.door.link(node.door.links.length === 0 ? 0 : node.door.links.length - 1);
  await far.received(1);
}

/** A server that is no node. */
async function serve(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('strangers at a door with a secret', () => {
  it.each([
    ['HTTP', HTTP, 'NOT_PEERAGE', 'speaks HTTP'],
    ['random bytes', RANDOM, 'NOT_PEERAGE', 'no peerage node'],
    ['a node that speaks plaintext', HELLO, 'SECURITY_MISMATCH', 'give that node the same secret'],
    ['a frame that announces 4 GiB', Buffer.alloc(5, 0xff), 'NOT_PEERAGE', 'no peerage node'],
  ])('recognises %s', async (_, bytes, code, advice) => {
    const node = await tcpNode();
    await say(node.port, bytes);
    const refusal = await node.door.refusal();
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(advice);
    expect(refusal.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(node.door.links).toEqual([]);
    await expectOpen(node);
  });

  it('refuses garbage behind a TLS header', async () => {
    const node = await tcpNode();
    await say(node.port, Buffer.concat([Buffer.from([0x16, 3, 1, 0, 200]), RANDOM, Buffer.alloc(300, 7)]));
    expect((await node.door.refusal()).code).toBe('NOT_AUTHENTICATED');
    await expectOpen(node);
  });

  it('refuses a TLS client that has no secret', async () => {
    const node = await tcpNode();
    const client = connectTls({ host: LOOPBACK, port: node.port, rejectUnauthorized: false });
    onTestFinished(() => void client.destroy());
    const [error] = (await once(client, 'error').catch((e: unknown) => [e])) as [NodeJS.ErrnoException];
    expect(error.code).toContain('ALERT');
    const refusal = await node.door.refusal();
    expect(refusal.code).toBe('NOT_AUTHENTICATED');
    expect(refusal.message).toContain('does not know the secret');
  });

  it('refuses a node that has the identity of a secret and not the secret', async () => {
    const node = await tcpNode();
    const { identity } = preSharedKey(SECRET, 'test');
    const client = connectTls({
      host: LOOPBACK,
      port: node.port,
      ciphers: 'TLS_AES_128_GCM_SHA256',
      minVersion: 'TLSv1.3',
      pskCallback: () => ({ psk: Buffer.alloc(32, 1), identity }),
      rejectUnauthorized: false,
    });
    onTestFinished(() => void client.destroy());
    await once(client, 'error').catch(() => undefined);
    expect((await node.door.refusal()).code).toBe('NOT_AUTHENTICATED');
    expect(node.door.links).toEqual([]);
  });

  it('says wrong secret and wrong cluster, each to the side that can know it', async () => {
    const node = await tcpNode();
    const errors = [
      await dialFailure(node.port, { security: withSecret('another secret, as long') }),
      await dialFailure(node.port, { cluster: 'other' }),
    ];
    expect(errors.map(({ code }) => code)).toEqual(['WRONG_SECRET', 'WRONG_SECRET']);
    expect([(await node.door.refusal(0)).code, (await node.door.refusal(1)).code]).toEqual([
      'WRONG_SECRET',
      'WRONG_CLUSTER',
    ]);
  });

  it('accepts each of several secrets, so that they can be changed one node at a time', async () => {
    const node = await tcpNode({ security: withSecret('the new secret, long enough', SECRET) });
    await expectOpen(node);
    await expectOpen(node, { security: withSecret('the new secret, long enough', SECRET) });
    expect((await dialFailure(node.port, { security: withSecret('an older one, long enough') })).code).toBe(
      'WRONG_SECRET',
    );
  });

  it('gives up on half a hello, and on silence', async () => {
    const node = await tcpNode(QUICK);
    const half = stranger(node.port);
    half.socket.write(Buffer.from([0x16, 3, 1]));
    const mute = stranger(node.port);
    await Promise.all([half.received, mute.received]);
    const refusals = [await node.door.refusal(0), await node.door.refusal(1)];
    expect(refusals.map(({ code }) => code)).toEqual(['HANDSHAKE_TIMEOUT', 'HANDSHAKE_TIMEOUT']);
    await expectOpen(node);
  });

  it('gives up on a TLS handshake that stops in the middle', async () => {
    const node = await tcpNode(QUICK);
    const { socket, received } = stranger(node.port);
    socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0]));
    await received;
    expect((await node.door.refusal()).message).toContain('did not finish the handshake');
  });

  it('does not report who hangs up without a word: port checks do', async () => {
    const node = await tcpNode();
    const { socket, received } = stranger(node.port);
    socket.end();
    await received;
    await expectOpen(node);
    expect(node.door.refusals).toEqual([]);
  });

  it('lets a good node in while 500 connections say nothing', async () => {
    const node = await tcpNode({ limits: { handshakeMs: 30_000 } });
    const silent = Array.from({ length: 500 }, () => stranger(node.port));
    await Promise.all(silent.map(({ socket }) => once(socket, 'connect')));
    await expectOpen(node, { limits: { handshakeMs: 30_000 } });
    const { refusals } = node.door;
    expect(refusals.length).toBeGreaterThanOrEqual(500 - 128);
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['TOO_MANY_HANDSHAKES']));
  });

  it('lets a good node in while 300 connections began TLS and went silent', async () => {
    const node = await tcpNode({ limits: { handshakeMs: 30_000 } });
    const stuck = Array.from({ length: 300 }, () => stranger(node.port));
    for (const { socket } of stuck) socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0]));
    await Promise.all(stuck.map(({ socket }) => once(socket, 'connect')));
    // Until all that they said was read.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await expectOpen(node, { limits: { handshakeMs: 30_000 } });
  });

  it('grows by nothing for a node that announces 4 GiB', async () => {
    const node = await tcpNode();
    const { identity, key: psk } = preSharedKey(SECRET, 'test');
    const client = connectTls({
      host: LOOPBACK,
      port: node.port,
      ciphers: 'TLS_AES_128_GCM_SHA256',
      minVersion: 'TLSv1.3',
      ca: [],
      pskCallback: () => ({ psk, identity }),
      checkServerIdentity: () => undefined,
    });
    onTestFinished(() => void client.destroy());
    client.on('error', () => undefined);
    const before = process.memoryUsage();
    client.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
    const far = await node.door.link();
    expect((await far.closed).code).toBe('FRAME_TOO_LARGE');
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(4 * 1024 * 1024);
  });
});

describe('strangers at a plaintext door', () => {
  it.each([
    ['HTTP', HTTP, 'NOT_PEERAGE', 'speaks HTTP'],
    ['random bytes', RANDOM, 'NOT_PEERAGE', 'no peerage node'],
    ['a frame that announces 4 GiB', Buffer.alloc(5, 0xff), 'NOT_PEERAGE', 'no peerage node'],
  ])('recognises %s', async (_, bytes, code, advice) => {
    const node = await tcpNode(PLAINTEXT);
    await say(node.port, bytes);
    const refusal = await node.door.refusal();
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(advice);
    await expectOpen(node, PLAINTEXT);
  });

  it('answers a node that speaks TLS so that both sides learn of the mismatch', async () => {
    const node = await tcpNode(PLAINTEXT);
    expect((await dialFailure(node.port)).code).toBe('SECURITY_MISMATCH');
    expect((await node.door.refusal()).code).toBe('SECURITY_MISMATCH');
  });

  it('is answered by a door with a secret in the same way', async () => {
    const node = await tcpNode();
    const near = await dialTcp(node.port, PLAINTEXT);
    near.link.send(1, 'hello');
    expect((await near.closed).code).toBe('SECURITY_MISMATCH');
    expect((await node.door.refusal()).code).toBe('SECURITY_MISMATCH');
    expect(await say(node.port, HELLO)).toEqual(MISMATCH_ALERT);
  });

  it('closes a link whose frames make no sense', async () => {
    const node = await tcpNode(PLAINTEXT);
    const { socket } = stranger(node.port);
    socket.write(Buffer.concat([HELLO, Buffer.from([0, 0, 0, 3, 1, 0xc1, 0xc1])]));
    const far = await node.door.link();
    expect((await far.closed).code).toBe('MALFORMED_FRAME');
    expect(far.frames).toHaveLength(1);
  });

  it('puts a first frame together that comes byte by byte', async () => {
    const node = await tcpNode(PLAINTEXT);
    const { socket } = stranger(node.port);
    socket.setNoDelay(true);
    for (const byte of HELLO) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const far = await node.door.link();
    await far.received(1);
    expect(far.bodies).toEqual([{ hello: true }]);
  });
});

describe('a dialer that reaches no node', () => {
  it('recognises a server that speaks HTTP', async () => {
    const port = await serve(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      }),
    );
    expect((await dialFailure(port)).code).toBe('NOT_PEERAGE');
    const near = await dialTcp(port, PLAINTEXT);
    near.link.send(1, 'hello');
    expect((await near.closed).code).toBe('NOT_PEERAGE');
  });

  it('gives up on one that accepts and says nothing', async () => {
    const sockets: { destroy(): void }[] = [];
    const port = await serve(
      createServer((socket) => void sockets.push(socket.on('error', () => undefined))),
    );
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
    const error = await dialFailure(port, QUICK);
    expect(error.code).toBe('DIAL_TIMEOUT');
    expect(error.message).toContain('after 200 ms');
  });

  it('says that one hung up', async () => {
    const port = await serve(createServer((socket) => void socket.on('error', () => undefined).destroy()));
    expect((await dialFailure(port)).code).toBe('CONNECTION_LOST');
  });

  it('is not fooled by a TLS server without certificate', async () => {
    const port = await serve(createTlsServer({ pskCallback: () => null }));
    expect((await dialFailure(port)).code).toBe('WRONG_SECRET');
  });
});
