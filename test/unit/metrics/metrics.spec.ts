import { Injectable } from '@nestjs/common';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CLUSTER_METRICS, ROUND_TRIP, RUN_DURATION } from '../../../lib/cluster/cluster-metrics.js';
import { PeerageModule, RunOnce } from '../../../lib/index.js';
import type { RunContext } from '../../../lib/index.js';
import { observeCluster } from '../../../lib/otel/index.js';
import { PeeragePrometheusModule } from '../../../lib/prometheus/index.js';
import { TestCluster } from '../../../lib/testing/index.js';

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** Long, so that only the test calls. */
const PERIOD_MS = 120_000;

@Injectable()
class Jobs {
  @RunOnce({ name: 'good' })
  @Interval(PERIOD_MS)
  async good(_run: RunContext): Promise<void> {}

  @RunOnce({ name: 'bad' })
  @Interval(PERIOD_MS)
  async bad(_run: RunContext): Promise<void> {
    throw new RangeError('no disk');
  }
}

describe('metrics of a cluster', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  /** Three nodes, one of which is killed after some beats and messages. */
  async function history(registries: readonly Registry[] = []) {
    const cluster = await TestCluster.start(3, (i) => {
      const registry = registries[i];
      const metrics = registry ? [PeeragePrometheusModule.forRoot({ registry })] : [];
      return Test.createTestingModule({ imports: [PeerageModule.forRoot({ appName: 'app' }), ...metrics] });
    });
    stops.push(() => cluster.stop());
    return cluster;
  }

  async function live(cluster: TestCluster): Promise<void> {
    const [a, b, c] = cluster.nodes;
    b!.cluster.handle('ask', () => 'answer');
    await a!.cluster.request(b!.name, 'ask');
    await cluster.advance(5_000);
    await c!.kill();
    await cluster.until(() => a!.cluster.peers.length === 1);
  }

  it('are there for prom-client, read at each scrape, and gone with the app', async () => {
    const registries = [new Registry(), new Registry(), new Registry()];
    const cluster = await history(registries);
    await live(cluster);
    const text = await registries[0]!.metrics();
    expect(text).toContain('peerage_peer_count{peerage_peer_status="up"} 1');
    expect(text).toContain('peerage_peer_ups_total 2');
    expect(text).toContain('peerage_peer_downs_total{peerage_down_reason="closed"} 1');
    expect(text).toMatch(/peerage_messages_total\{network_io_direction="transmit"\} [1-9]/);
    expect(text).toContain('peerage_queue_size_bytes{peerage_queue="send"} 0');
    expect(text).toContain('peerage_provider_failing{peerage_provider_name="test cluster"} 0');
    expect(text).toMatch(/peerage_round_trip_duration_seconds_count [1-9]/);
    expect(text).not.toContain('10.0.0.');
    // Counters are set, not added up, by another scrape.
    expect(await registries[0]!.metrics()).toContain('peerage_peer_ups_total 2');
    await cluster.stop();
    expect(await registries[0]!.metrics()).toBe('\n');
  });

  it('of several nodes in one registry are added up, as in a test of an app, and gone with the last of them', async () => {
    const registry = new Registry();
    const cluster = await history([registry, registry, registry]);
    const [a] = cluster.nodes;
    expect(await registry.metrics()).toContain('peerage_peer_count{peerage_peer_status="up"} 6');
    await a.close();
    const text = await registry.metrics();
    expect(text).toContain('peerage_peer_count{peerage_peer_status="up"} 2');
    expect(text).toContain('peerage_provider_failing{peerage_provider_name="test cluster"} 0');
    await cluster.stop();
    expect(await registry.metrics()).toBe('\n');
  });

  it('are there again in a registry that was cleared', async () => {
    const registry = new Registry();
    const before = await history([registry]);
    registry.clear();
    const after = await history([registry]);
    expect(await registry.metrics()).toContain('peerage_peer_count{peerage_peer_status="up"} 2');
    await before.stop();
    expect(await registry.metrics()).toContain('peerage_peer_count{peerage_peer_status="up"} 2');
    await after.stop();
    expect(await registry.metrics()).toBe('\n');
  });

  it('are there for the SDK of OpenTelemetry', async () => {
    const cluster = await history();
    const [a] = cluster.nodes;
    const reader = new Reader();
    const provider = new MeterProvider({ readers: [reader] });
    const stop = observeCluster(a.cluster, provider.getMeter('test'));
    await live(cluster);
    const collect = async () => {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    };
    const metrics = await collect();
    const named = (name: string) => metrics.find(({ descriptor }) => descriptor.name === name);
    const values = (name: string) =>
      named(name)!.dataPoints.map(({ value, attributes }) => ({ value, ...attributes }));
    expect(values('peerage.peer.count')).toContainEqual({ value: 1, 'peerage.peer.status': 'up' });
    expect(values('peerage.peer.downs')).toContainEqual({ value: 1, 'peerage.down.reason': 'closed' });
    expect(values('peerage.messages')).toContainEqual({
      value: expect.any(Number),
      'network.io.direction': 'receive',
    });
    expect(named('peerage.message.io')!.descriptor.unit).toBe('By');
    expect(named('peerage.round_trip.duration')!.dataPoints[0]!.value).toMatchObject({
      count: expect.any(Number),
    });
    expect(named('peerage.round_trip.duration')!.descriptor.unit).toBe('s');
    expect(JSON.stringify(metrics)).not.toContain('10.0.0.');
    stop();
    const read = vi.spyOn(a.cluster, 'stats');
    await collect();
    expect(read).not.toHaveBeenCalled();
    await provider.shutdown();
  });

  it('tell of runs by job, and why they were not for this node', async () => {
    const registries = [new Registry(), new Registry()];
    const cluster = await TestCluster.start(2, (i) =>
      Test.createTestingModule({
        imports: [
          ScheduleModule.forRoot(),
          PeerageModule.forRoot({ appName: 'app' }),
          PeeragePrometheusModule.forRoot({ registry: registries[i]! }),
        ],
        providers: [Jobs],
      }),
    );
    stops.push(() => cluster.stop());
    const readers = cluster.nodes.map(() => new Reader());
    for (const [i, { cluster: node }] of cluster.nodes.entries())
      observeCluster(node, new MeterProvider({ readers: [readers[i]!] }).getMeter('test'));
    await cluster.advance(10_000);
    const context = {} as RunContext;
    for (const node of cluster.nodes) {
      void node.get(Jobs).good(context);
      node
        .get(Jobs)
        .bad(context)
        .catch(() => {});
      void node.cluster.once(`key ${node.name}`, () => 'done', { ttlMs: 1_000 });
    }
    await cluster.advance(5_000);
    const texts = await Promise.all(registries.map((registry) => registry.metrics()));
    const sum = (series: string): number =>
      texts
        .flatMap((text) => text.split('\n').filter((line) => line.startsWith(`${series} `)))
        .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
    expect(sum('peerage_run_starts_total{peerage_job_name="good"}')).toBe(1);
    expect(sum('peerage_run_ends_total{peerage_job_name="good",peerage_result="done"}')).toBe(1);
    expect(sum('peerage_run_ends_total{peerage_job_name="bad",peerage_result="failed"}')).toBe(1);
    expect(sum('peerage_run_skips_total{peerage_job_name="good",peerage_run_skip_reason="elsewhere"}')).toBe(
      1,
    );
    expect(texts[0]).toContain(
      'peerage_run_skips_total{peerage_job_name="good",peerage_run_skip_reason="no_quorum"} 0',
    );
    expect(texts[0]).toContain('peerage_run_active{peerage_job_name="good"} 0');
    expect(texts[0]).toContain('peerage_run_duplicates_total{peerage_job_name="good"} 0');
    expect(sum('peerage_run_starts_total{peerage_job_name="once()"}')).toBe(2);
    expect(sum('peerage_run_duration_seconds_count{peerage_job_name="good"}')).toBe(1);
    expect(sum('peerage_run_duration_seconds_count{peerage_job_name="bad",error_type="RangeError"}')).toBe(1);
    expect(texts.join('')).not.toContain('10.0.0.');
    const collected = await Promise.all(readers.map((reader) => reader.collect()));
    const points = collected
      .flatMap(({ resourceMetrics }) => resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics))
      .filter(({ descriptor }) => descriptor.name.startsWith('peerage.run.'))
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ value, attributes }) => ({ name: descriptor.name, value, ...attributes })),
      );
    const bad = { 'peerage.job.name': 'bad' };
    expect(points).toContainEqual({ name: 'peerage.run.ends', value: 1, ...bad, 'peerage.result': 'failed' });
    expect(points).toContainEqual({
      name: 'peerage.run.duration',
      value: expect.objectContaining({ count: 1 }),
      ...bad,
      'error.type': 'RangeError',
    });
  });

  it('have names and units of one kind, and no attribute of a node', () => {
    for (const { name, unit, attributes, description } of [...CLUSTER_METRICS, ROUND_TRIP, RUN_DURATION]) {
      expect(name).toMatch(/^peerage(\.[a-z]+(_[a-z]+)*)+$/);
      expect(unit).toMatch(/^(By|s|1|\{[a-z]+\})$/);
      expect(description).toMatch(/\.$/);
      expect(attributes.filter((attribute) => /(peer|node)\.(name|id)/.test(attribute))).toEqual([]);
    }
  });
});
