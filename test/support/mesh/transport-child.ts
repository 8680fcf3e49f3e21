import cluster from 'node:cluster';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { createTcpTransport } from '../../../lib/mesh/transport/tcp/tcp-transport.js';
import { createTlsMode } from '../../../lib/mesh/transport/tcp/tls.js';
import type { Transport } from '../../../lib/mesh/transport/transport.js';
import { DEFAULT_LIMITS } from '../../../lib/peerage.options.js';

const SECRET = 'a secret that is long enough';

const transport = (port = 0, portIsFixed = false): Transport =>
  createTcpTransport({
    bind: '127.0.0.1',
    port,
    portIsFixed,
    security: { kind: 'secret', secrets: [SECRET] },
    cluster: 'test',
    limits: DEFAULT_LIMITS,
  });

const door = { accepted: () => undefined, refused: () => undefined };

const codeOf = (error: unknown): string => (error as { code: string }).code;

/** What needs a process of its own. Each part prints its finding as JSON. */
export async function main([part = '', argument = '']: string[]): Promise<void> {
  const parts: Record<string, () => Promise<unknown>> = {
    impostor: () => impostor(Number(argument)),
    cluster: () => workers(),
    worker: () => worker(Number(argument)),
    descriptors: () => withoutDescriptors(),
  };
  process.stdout.write(JSON.stringify(await parts[part]!()));
}

/** How far an impostor's server gets, whose certificate is trusted here: with a careless client, and with ours. */
async function impostor(port: number): Promise<unknown> {
  const ours = transport();
  const signal = new AbortController().signal;
  const result = await ours.dial('localhost', port, signal).then(() => 'accepted', codeOf);
  await ours.close();
  const [client] = createTlsMode({ kind: 'secret', secrets: [SECRET] }, 'test').clients;
  const { pskCallback } = client!;
  return {
    careless: await secure({ port, minVersion: 'TLSv1.3', pskCallback: pskCallback! }),
    handshake: await secure({ ...client, port }),
    ours: result,
  };
}

function secure(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ host: 'localhost', ...options });
    socket.once('error', () => resolve('refused'));
    socket.once('secureConnect', () => {
      resolve('accepted');
      socket.destroy();
    });
  });
}

/** Two workers of a cluster want the same port. */
async function workers(): Promise<unknown> {
  const [, runner = '', program = ''] = process.argv;
  cluster.setupPrimary({ exec: runner, args: [program, 'worker', String(await freePort())] });
  const results: unknown[] = [];
  for (let i = 0; i < 2; i++)
    results.push(...((await once(cluster.fork(), 'message')) as unknown[]).slice(0, 1));
  for (const child of Object.values(cluster.workers ?? {})) child?.kill();
  return results;
}

async function freePort(): Promise<number> {
  const node = transport();
  const { port } = await node.listen(door);
  await node.close();
  return port;
}

async function worker(port: number): Promise<never> {
  const listening = transport(port, true).listen(door);
  process.send!(await listening.then(() => 'listens', codeOf));
  return new Promise(() => undefined);
}

/** A listener whose process runs out of file descriptors, and then has some again. */
async function withoutDescriptors(): Promise<unknown> {
  const node = transport();
  const { port } = await node.listen(door);
  const descriptors = exhaust();
  // One for the caller's own end; none is left to accept it.
  closeSync(descriptors.pop()!);
  const caller = connectTcp(port, '127.0.0.1').on('error', () => undefined);
  await new Promise((resolve) => caller.once('close', resolve));
  descriptors.forEach((descriptor) => closeSync(descriptor));
  const dialer = transport();
  const result = await dialer
    .dial('127.0.0.1', port, new AbortController().signal)
    .then(() => 'accepted', codeOf);
  await Promise.all([dialer.close(), node.close()]);
  return result;
}

function exhaust(): number[] {
  const descriptors: number[] = [];
  try {
    for (;;) descriptors.push(openSync('/dev/null', 'r'));
  } catch {
    return descriptors;
  }
}
