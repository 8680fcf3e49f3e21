import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeProbe } from '../../lib/mesh/probes/probe-codec.js';
import { ProbeSocket } from '../../lib/mesh/probes/probe-socket.js';

const bootId = (digit: string) => digit.repeat(32);
const opened: { close(): void }[] = [];

afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

async function prober(id: string, lagMs = 0) {
  const port = await freeUdpPort();
  const key = randomBytes(32);
  const answers: [string, number][] = [];
  const unheard: [string, number][] = [];
  const unsent: [string, string][] = [];
  const socket = new ProbeSocket({
    bootId: id,
    key,
    bind: '127.0.0.1',
    port,
    lagMs: () => lagMs,
    nowMs: () => performance.now(),
    unsent: (to, code) => unsent.push([to, code]),
    answered: (from, lag) => answers.push([from, lag]),
    unheard: (from, silentMs) => unheard.push([from, silentMs]),
  });
  await socket.open();
  opened.push(socket);
  return {
    socket,
    answers,
    unheard,
    unsent,
    target: { bootId: id, host: '127.0.0.1', port, key, silentMs: 0 },
  };
}

async function stranger(): Promise<{ socket: Socket; heard: Buffer[] }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  opened.push(socket);
  const heard: Buffer[] = [];
  socket.on('message', (bytes) => heard.push(bytes));
  return { socket, heard };
}

describe('probes over UDP', () => {
  it('are answered with the lag of the main loop', async () => {
    const a = await prober(bootId('a'));
    const b = await prober(bootId('b'), 1_234);
    a.socket.probe(b.target);
    await vi.waitFor(() => expect(a.answers).toEqual([[bootId('b'), 1_234]]));
  });

  it('are not answered for another boot id or with a wrong key', async () => {
    const a = await prober(bootId('a'));
    const b = await prober(bootId('b'));
    a.socket.probe({ ...b.target, bootId: bootId('c') });
    a.socket.probe({ ...b.target, key: randomBytes(32) });
    a.socket.probe(b.target);
    await vi.waitFor(() => expect(a.answers.length).toBe(1));
    await sleep(50);
    expect(a.answers.length).toBe(1);
  });

  it('strangers get no answer, and forged answers prove nothing', async () => {
    const a = await prober(bootId('a'));
    const b = await prober(bootId('b'));
    const { socket, heard } = await stranger();
    const ids = { from: bootId('b'), to: bootId('a'), count: 1, nonce: '00'.repeat(8), ms: 2_500 };
    const forged = [
      randomBytes(65),
      Buffer.alloc(0),
      encodeProbe({ kind: 'probe', ...ids }, randomBytes(32)),
      encodeProbe({ kind: 'answer', ...ids }, b.target.key),
    ];
    for (const bytes of forged) socket.send(bytes, a.target.port, '127.0.0.1');
    a.socket.probe(b.target);
    await vi.waitFor(() => expect(a.answers.length).toBe(1));
    await sleep(50);
    expect(heard).toEqual([]);
    expect(a.answers.length).toBe(1);
    expect(a.unheard).toEqual([]);
  });

  it('tell whom they probe for how long it has not been heard', async () => {
    const a = await prober(bootId('a'));
    const b = await prober(bootId('b'));
    a.socket.probe(b.target);
    a.socket.probe({ ...b.target, silentMs: 2_500.4 });
    await vi.waitFor(() => expect(a.answers.length).toBe(2));
    expect(b.unheard).toEqual([[bootId('a'), 2_500]]);
  });

  it('resolve no names, and say what could not be sent', async () => {
    const a = await prober(bootId('a'));
    const b = await prober(bootId('b'));
    a.socket.probe({ ...b.target, host: 'localhost' });
    a.socket.probe({ ...b.target, host: '::1' });
    expect(a.unsent).toEqual([
      [bootId('b'), 'ENOTFOUND'],
      [bootId('b'), 'EAFNOSUPPORT'],
    ]);
    a.socket.probe(b.target);
    await vi.waitFor(() => expect(a.answers.length).toBe(1));
    expect(a.unsent.length).toBe(2);
  });

  it('says so when the port is taken', async () => {
    const a = await prober(bootId('a'));
    const { port } = a.target;
    const second = new ProbeSocket({
      bootId: bootId('b'),
      key: randomBytes(32),
      bind: '127.0.0.1',
      port,
      lagMs: () => 0,
      nowMs: () => 0,
      unsent: () => {},
      answered: () => {},
      unheard: () => {},
    });
    await expect(second.open()).rejects.toThrow('EADDRINUSE');
  });
});
