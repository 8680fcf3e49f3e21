import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Counter, Gauge, Histogram, register } from 'prom-client';
import type { Registry } from 'prom-client';
import { CLUSTER_METRICS, ROUND_TRIP, RUN_DURATION, runDuration } from '../cluster/cluster-metrics.js';
import type { ClusterHistogram, ClusterMetric } from '../cluster/cluster-metrics.js';
import type { ClusterService } from '../cluster/cluster.service.js';
import type { ClusterStats } from '../cluster/cluster-stats.js';
import type { RoundTrip } from '../mesh/mesh-stats.js';

const CHANNEL = 'peerage:round-trip';

/** What a unit adds to a name, as OpenTelemetry's exporter for Prometheus does it. */
const SUFFIXES: Readonly<Record<string, string>> = { By: '_bytes', s: '_seconds' };

/**
 * Registers what the cluster counts with prom-client; it is read at each scrape. The names are those of OpenTelemetry as
 * its exporter writes them: `peerage_peer_downs_total{peerage_down_reason="timeout"}`. No label has the name of a node.
 *
 * @param registry @default the global one of prom-client
 * @returns the function that takes them away again.
 * @publicApi
 */
export function registerCluster(cluster: ClusterService, registry: Registry = register): () => void {
  const stats = oncePerScrape(() => cluster.stats());
  const names = CLUSTER_METRICS.map((one) => add(one, stats, registry));
  const histogram = addHistogram(ROUND_TRIP, registry);
  const runs = addHistogram(RUN_DURATION, registry);
  const record = (message: unknown): void => {
    const { self, ms } = message as RoundTrip;
    // Several nodes may be in one process.
    if (self.bootId === cluster.self.bootId) histogram.observe(ms / 1_000);
  };
  subscribe(CHANNEL, record);
  const subscription = cluster.runs$.subscribe((event) => {
    const run = runDuration(event);
    if (run) runs.observe(labelsOf(run.attributes), run.value);
  });
  return () => {
    unsubscribe(CHANNEL, record);
    subscription.unsubscribe();
    for (const name of [...names, ...[ROUND_TRIP, RUN_DURATION].map((one) => nameOf(one.name, one.unit))])
      registry.removeSingleMetric(name);
  };
}

function addHistogram(
  { name, unit, description: help, attributes, bounds }: ClusterHistogram,
  registry: Registry,
): Histogram {
  const labelNames = attributes.map(labelOf);
  return new Histogram({
    name: nameOf(name, unit),
    help,
    labelNames,
    buckets: [...bounds],
    registers: [registry],
  });
}

function add(metric: ClusterMetric, stats: () => ClusterStats, registry: Registry): string {
  const { kind, unit, description: help } = metric;
  const name = `${nameOf(metric.name, unit)}${kind === 'counter' ? '_total' : ''}`;
  const options = { name, help, labelNames: metric.attributes.map(labelOf), registers: [registry] };
  const values = () =>
    metric.read(stats()).map(({ value, attributes }) => ({ value, labels: labelsOf(attributes) }));
  if (kind === 'counter')
    void new Counter({
      ...options,
      collect() {
        this.reset();
        for (const { labels, value } of values()) this.inc(labels, value);
      },
    });
  else
    void new Gauge({
      ...options,
      collect() {
        this.reset();
        for (const { labels, value } of values()) this.set(labels, value);
      },
    });
  return name;
}

/** A scrape reads every metric in one turn: one snapshot serves them all. */
function oncePerScrape(read: () => ClusterStats): () => ClusterStats {
  let last: ClusterStats | undefined;
  return () => {
    if (!last) setImmediate(() => (last = undefined));
    return (last ??= read());
  };
}

function nameOf(name: string, unit: string): string {
  return `${labelOf(name)}${SUFFIXES[unit] ?? ''}`;
}

function labelOf(name: string): string {
  return name.replaceAll('.', '_');
}

function labelsOf(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [labelOf(key), value]));
}
