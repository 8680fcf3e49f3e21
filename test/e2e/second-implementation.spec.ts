import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClusterService, PeerageModule } from '../../lib/index.js';
import { KIND, SecondNode } from '../support/mesh/second-implementation.js';

const SECRET = 'a secret that both know';
const CLUSTER = 'mixed';

/** Short, so that a member that breaks the rule of liveness is found out soon. */
const HEARTBEAT = { intervalMs: 200, suspectMs: 500, downMs: 800 };
const LONG = 'x'.repeat(200_000);

let app: INestApplicationContext;
let cluster: ClusterService;
let other: SecondNode;

beforeEach(async () => {
  const peerage = PeerageModule.forRoot({
    cluster: CLUSTER,
    appName: 'nest',
    secret: SECRET,
    bind: '127.0.0.1',
    port: 0,
    heartbeat: HEARTBEAT,
  });
  const module = await Test.createTestingModule({ imports: [peerage] }).compile();
  app = await module.init();
  cluster = app.get(ClusterService);
  other = new SecondNode();
  await other.join({ port: cluster.self.port, secret: SECRET, cluster: CLUSTER });
  await cluster.waitFor(1, { timeoutMs: 5_000 });
  await until(() => other.credit > 0);
});

afterEach(async () => {
  other.close();
  await app.close();
});

it('A node that was written from docs/protocol.md alone is a peer, and stays one', async () => {
  expect(cluster.peer(other.bootId)).toMatchObject({ status: 'up', meta: { language: 'other' } });
  expect(other.welcome).toMatchObject({
    version: 1,
    cluster: CLUSTER,
    node: { bootId: cluster.self.bootId },
  });
  await sleep(2 * HEARTBEAT.downMs);
  expect(cluster.peer(other.bootId)).toMatchObject({ status: 'up', rttMs: expect.any(Number) });
  expect(other.probesAnswered).toBeGreaterThan(0);
  await expect(other.probe(cluster.self.port)).resolves.toBeLessThan(1_000);
});

it('It sends and takes messages and requests, long ones in parts', async () => {
  const received: unknown[] = [];
  other.handlers.set('word', (word) => void received.push(word));
  other.handlers.set('length', (text: string) => text.length);
  cluster.handle('length', (text: string) => text.length);
  cluster.handle('long', () => LONG);
  cluster.broadcast('word', 'first');
  await cluster.send(other.bootId, 'word', LONG);
  await cluster.send(other.bootId, 'word', 'last');
  await expect(cluster.request(other.bootId, 'length', LONG)).resolves.toBe(LONG.length);
  expect(received).toEqual(['first', LONG, 'last']);
  await expect(cluster.request(other.bootId, 'unknown', null)).rejects.toMatchObject({ code: 'NO_HANDLER' });
  await expect(other.request('length', LONG)).resolves.toBe(LONG.length);
  await expect(other.request('long', null)).resolves.toBe(LONG);
  await expect(other.request('unknown', null)).resolves.toMatchObject({ code: 'NO_HANDLER' });
});

it('It says goodbye', async () => {
  const downs: string[] = [];
  cluster.on('peer.down', ({ reason }) => downs.push(reason));
  other.leave();
  await until(() => downs.length > 0);
  expect(downs).toEqual(['left']);
});

it('It is told that the other shuts down, and hears its goodbye', async () => {
  await app.close();
  await until(() => other.heard.at(-1)?.kind === KIND.leave);
  expect(other.heard.map(({ kind }) => kind)).toContain(KIND.leaving);
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 500) expect.unreachable('it did not come to that');
    await sleep(10);
  }
}
