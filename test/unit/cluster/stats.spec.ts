import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { PeerageModule } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import { fakeApp } from '../../support/apps/nest-app.js';

describe('stats() of a cluster', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()));
  });

  async function start() {
    const imports = [PeerageModule.forRoot({ appName: 'app' })];
    const cluster = await TestCluster.start(3, () => Test.createTestingModule({ imports }));
    stops.push(() => cluster.stop());
    return cluster;
  }

  it('tells of peers, dials, messages and providers', async () => {
    const cluster = await start();
    const [a, b, c] = cluster.nodes;
    b.cluster.handle('ask', () => 'answer');
    await cluster.settle();
    const before = a.cluster.stats().messages;
    a.cluster.broadcast('news', 'x'.repeat(100));
    await a.cluster.request(b.name, 'ask');
    await cluster.settle();
    const stats = a.cluster.stats();
    expect(stats).toMatchObject({
      cluster: 'app',
      state: 'running',
      self: a.cluster.self,
      peers: { up: 2, degraded: 0, leaving: 0 },
      events: { ups: 2, downs: { left: 0, closed: 0, timeout: 0 }, degradations: 0 },
      queues: { sendBytes: 0, receiveBytes: 0 },
      handlers: { running: 0, waiting: 0 },
      requests: { pending: 0 },
      falseAlarms: 0,
      probes: { unanswered: 0, oneWay: 0, unsent: 0 },
      jobs: [],
      loop: { lagMs: 0, blocks: 0 },
      providers: [{ name: 'test cluster', state: 'working', polls: { failed: 0 } }],
    });
    // Two of the broadcast, a request, and its answer.
    expect(stats.messages.sent.count - before.sent.count).toBe(3);
    expect(stats.messages.received.count - before.received.count).toBe(1);
    expect(stats.messages.sent.bytes - before.sent.bytes).toBeGreaterThan(200);
    expect(c.cluster.stats().messages.received.bytes).toBeGreaterThan(100);
    const dials = cluster.nodes.map((node) => node.cluster.stats().dials.connected);
    expect(dials.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(3);
  });

  it('counts how peers go, and measures round trips', async () => {
    const cluster = await start();
    const [a, b, c] = cluster.nodes;
    await cluster.advance(5_000);
    const { roundTrips } = a.cluster.stats();
    expect(roundTrips.count).toBeGreaterThan(5);
    expect(roundTrips.counts.reduce((sum, count) => sum + count, 0)).toBe(roundTrips.count);
    await b.kill();
    await cluster.until(() => a.cluster.peers.length === 1);
    await c.close();
    expect(a.cluster.stats()).toMatchObject({
      peers: { up: 0, leaving: 0 },
      events: { ups: 2, downs: { closed: 1, left: 1 } },
      upMs: expect.any(Number),
    });
    expect(a.cluster.stats().upMs).toBeGreaterThanOrEqual(5_000);
    expect(c.cluster.stats().state).toBe('stopped');
  });

  it('counts handlers at work, and requests that wait', async () => {
    const cluster = await start();
    const [a, b] = cluster.nodes;
    let finish = (): void => {};
    b.cluster.handle('slow', () => new Promise<void>((resolve) => (finish = resolve)));
    const asked = a.cluster.request(b.name, 'slow');
    await cluster.settle();
    expect(a.cluster.stats().requests.pending).toBe(1);
    expect(b.cluster.stats()).toMatchObject({ handlers: { running: 1, waiting: 0 } });
    expect(b.cluster.stats().queues.receiveBytes).toBeGreaterThan(0);
    finish();
    await asked;
    expect(b.cluster.stats()).toMatchObject({ handlers: { running: 0 }, queues: { receiveBytes: 0 } });
  });
});

describe('providers in explain()', () => {
  it('tell of their last answer, and of what is wrong', async () => {
    const answers: (() => string[])[] = [
      () => ['app@10.0.0.9'],
      () => {
        throw new Error('the source is away');
      },
      () => [],
    ];
    const app = await fakeApp({
      peerage: { via: { name: 'registry', poll: () => answers.shift()!() }, syncOffsetMs: 60_000 },
    });
    await app.module.init();
    const provider = () => app.cluster.explain().providers[0];
    expect(provider()).toEqual({
      name: 'registry',
      state: 'asking',
      names: [],
      polls: { succeeded: 0, failed: 0 },
      hints: 0,
    });
    await app.cluster.poll();
    expect(provider()).toMatchObject({
      state: 'working',
      names: ['app@10.0.0.9'],
      lastAnswerAgoMs: expect.any(Number),
    });
    await app.cluster.poll();
    expect(provider()).toMatchObject({
      state: 'failing',
      names: ['app@10.0.0.9'],
      error: 'the source is away',
      failingForMs: expect.any(Number),
      polls: { succeeded: 1, failed: 1 },
    });
    await app.cluster.poll();
    expect(provider()).toMatchObject({ state: 'working', names: [], polls: { succeeded: 2, failed: 1 } });
    expect(provider()).not.toHaveProperty('failingForMs');
    await app.module.close();
  });
});
