import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { CLUSTER_METRICS, ROUND_TRIP, RUN_DURATION } from '../cluster/cluster-metrics.js';
import type { ClusterHistogram, ClusterMetric, Measured } from '../cluster/cluster-metrics.js';
import type { ClusterService } from '../cluster/cluster.service.js';
import type { ClusterStats } from '../cluster/cluster-stats.js';

/** What a unit adds to a name, as OpenTelemetry's exporter for Prometheus does it. */
const SUFFIXES: Readonly<Record<string, string>> = { By: '_bytes', s: '_seconds' };

/** A registry takes a name once. */
const exported = new WeakMap<Registry, ExportedClusters>();

/**
 * The nodes of this process that one registry has: one in an app that runs, several in a test. Counts are added up then,
 * and of a state the greatest is given.
 */
export class ExportedClusters {
  readonly roundTrips: Histogram;
  readonly runs: Histogram;
  private readonly clusters = new Map<ClusterService, () => ClusterStats>();

  private constructor(private readonly registry: Registry) {
    for (const one of CLUSTER_METRICS) this.export(one);
    this.roundTrips = addHistogram(ROUND_TRIP, registry);
    this.runs = addHistogram(RUN_DURATION, registry);
  }

  /** Those of a registry; made anew when there are none, or it was cleared. */
  static of(registry: Registry): ExportedClusters {
    const known = exported.get(registry);
    if (known && registry.getSingleMetric(known.name) === known.roundTrips) return known;
    const made = new ExportedClusters(registry);
    exported.set(registry, made);
    return made;
  }

  add(cluster: ClusterService): void {
    this.clusters.set(
      cluster,
      oncePerScrape(() => cluster.stats()),
    );
  }

  /** The metrics go with the last one, unless the registry has others by their names meanwhile. */
  remove(cluster: ClusterService): void {
    if (!this.clusters.delete(cluster) || this.clusters.size > 0) return;
    if (this.registry.getSingleMetric(this.name) !== this.roundTrips) return;
    exported.delete(this.registry);
    for (const one of CLUSTER_METRICS) this.registry.removeSingleMetric(seriesOf(one));
    for (const one of [ROUND_TRIP, RUN_DURATION])
      this.registry.removeSingleMetric(nameOf(one.name, one.unit));
  }

  private get name(): string {
    return nameOf(ROUND_TRIP.name, ROUND_TRIP.unit);
  }

  private export(metric: ClusterMetric): void {
    const { kind, description: help, attributes } = metric;
    const values = () => this.measured(metric);
    const options = {
      name: seriesOf(metric),
      help,
      labelNames: attributes.map(labelOf),
      registers: [this.registry],
    };
    if (kind === 'counter')
      void new Counter({
        ...options,
        collect() {
          this.reset();
          for (const { attributes: labels, value } of values()) this.inc(labelsOf(labels), value);
        },
      });
    else
      void new Gauge({
        ...options,
        collect() {
          this.reset();
          for (const { attributes: labels, value } of values()) this.set(labelsOf(labels), value);
        },
      });
  }

  private measured({ kind, read }: ClusterMetric): Iterable<Measured> {
    const series = new Map<string, Measured>();
    for (const stats of this.clusters.values())
      for (const one of read(stats())) {
        const key = JSON.stringify(one.attributes);
        const { value = 0 } = series.get(key) ?? {};
        series.set(key, { ...one, value: kind === 'gauge' ? Math.max(value, one.value) : value + one.value });
      }
    return series.values();
  }
}

export function labelsOf(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [labelOf(key), value]));
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

/** A scrape reads every metric in one turn: one snapshot serves them all. */
function oncePerScrape(read: () => ClusterStats): () => ClusterStats {
  let last: ClusterStats | undefined;
  return () => {
    if (!last) setImmediate(() => (last = undefined));
    return (last ??= read());
  };
}

function seriesOf({ name, unit, kind }: ClusterMetric): string {
  return `${nameOf(name, unit)}${kind === 'counter' ? '_total' : ''}`;
}

function nameOf(name: string, unit: string): string {
  return `${labelOf(name)}${SUFFIXES[unit] ?? ''}`;
}

function labelOf(name: string): string {
  return name.replaceAll('.', '_');
}
