import { Test } from '@nestjs/testing';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterStats } from '../../../lib/index.js';
import { PeerageModule } from '../../../lib/index.js';
import { livenessOf, readinessOf } from '../../../lib/terminus/health.js';
import { PeerageHealthIndicator } from '../../../lib/terminus/index.js';
import { TestCluster } from '../../../lib/testing/index.js';

describe('readiness and liveness', () => {
  const stats = (more: object = {}) =>
    ({
      state: 'running',
      upMs: 60_000,
      peers: { up: 2, degraded: 0, leaving: 0 },
      providers: [{ name: 'dns:myapp', state: 'working' }],
      loop: { lagMs: 0, blocks: 0, longestMs: 0 },
      ...more,
    }) as unknown as ClusterStats;
  const alone = { peers: { up: 0, degraded: 0, leaving: 1 } };

  it('is up with the peers that are asked for, and degraded without', () => {
    expect(readinessOf(stats(), { minPeers: 2 })).toEqual({ status: 'up', problems: [] });
    expect(readinessOf(stats(alone), { minPeers: 2 })).toEqual({
      status: 'degraded',
      problems: ['has 0 of 2 peers'],
    });
  });

  it('waits for peers at the start, and not for ever', () => {
    expect(readinessOf(stats({ ...alone, upMs: 1_000 }), { minPeers: 1 }).status).toBe('down');
    expect(readinessOf(stats({ ...alone, upMs: 1_000 }), { minPeers: 1, startMs: 500 }).status).toBe(
      'degraded',
    );
    expect(readinessOf(stats({ ...alone, upMs: 30_000 }), { minPeers: 1 }).status).toBe('degraded');
  });

  it('is down in the minority, when a majority is asked for', () => {
    const quorum = { of: 5 };
    expect(readinessOf(stats(), { quorum }).status).toBe('up');
    expect(readinessOf(stats({ peers: { up: 1, degraded: 0, leaving: 3 } }), { quorum })).toEqual({
      status: 'down',
      problems: ['sees 2 of the 3 nodes that are a majority of 5'],
    });
  });

  it('tells of providers that fail, and of its own loop', () => {
    const providers = [{ name: 'dns:myapp', state: 'failing', failingForMs: 120_000, error: 'timed out' }];
    const loop = { lagMs: 0, blocks: 1, longestMs: 3_000, last: { forMs: 3_000, agoMs: 10_000 } };
    expect(readinessOf(stats({ providers, loop }))).toEqual({
      status: 'degraded',
      problems: [
        'dns:myapp has failed for 2 min: timed out',
        'its event loop was blocked for 3.0 s, 10.0 s ago',
      ],
    });
  });

  it.each(['created', 'leaving', 'stopped'])('is not ready when it is %s', (state) => {
    expect(readinessOf(stats({ state })).status).toBe('down');
  });

  it('lives in a split, while it starts, and while it leaves: a restart would not help', () => {
    for (const more of [alone, { state: 'created' }, { state: 'leaving' }])
      expect(livenessOf(stats(more)).status).toBe('up');
    expect(livenessOf(stats({ state: 'stopped' })).status).toBe('down');
  });
});

describe('the indicator of Terminus', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => cluster?.stop());

  it('is a part of its health checks', async () => {
    const imports = [PeerageModule.forRoot({ appName: 'app' }), TerminusModule.forRoot({ logger: false })];
    cluster = await TestCluster.start(2, () =>
      Test.createTestingModule({ imports, providers: [PeerageHealthIndicator] }),
    );
    const [a, b] = cluster.nodes;
    const indicator = a!.get(PeerageHealthIndicator);
    const check = async () =>
      a!.get(HealthCheckService).check([() => indicator.isReady('cluster', { minPeers: 1, startMs: 0 })]);
    expect(await check()).toMatchObject({ status: 'ok', details: { cluster: { status: 'up', peers: 1 } } });
    await b!.kill();
    await cluster.until(() => a!.cluster.peers.length === 0);
    expect(await check()).toMatchObject({
      status: 'degraded',
      details: { cluster: { status: 'degraded', peers: 0, message: 'has 0 of 1 peers' } },
    });
    expect(indicator.isAlive('process')).toEqual({ process: { status: 'up', peers: 0 } });
    await a!.close();
    expect(indicator.isAlive('process')).toMatchObject({ process: { status: 'down' } });
  });

  it('says degraded as up to Terminus 11, which knows no other word', () => {
    const session = {
      up: (data: object) => ({ key: { status: 'up', ...data } }),
      down: (data: object) => ({ key: { status: 'down', ...data } }),
    };
    const stats = {
      state: 'running',
      upMs: 60_000,
      peers: { up: 0, degraded: 0, leaving: 0 },
      providers: [],
      loop: {},
    };
    const indicator = new PeerageHealthIndicator(
      { stats: () => stats, peers: [] } as never,
      { check: () => session } as never,
    );
    expect(indicator.isReady('key', { minPeers: 1 })).toEqual({
      key: { status: 'up', degraded: true, peers: 0, message: 'has 0 of 1 peers' },
    });
  });
});
