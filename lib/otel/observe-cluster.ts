import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { metrics } from '@opentelemetry/api';
import type { BatchObservableResult, Histogram, Meter, Observable } from '@opentelemetry/api';
import { CLUSTER_METRICS, ROUND_TRIP, RUN_DURATION, runDuration } from '../cluster/cluster-metrics.js';
import type { ClusterHistogram, ClusterMetric } from '../cluster/cluster-metrics.js';
import type { ClusterService } from '../cluster/cluster.service.js';
import type { RoundTrip } from '../mesh/mesh-stats.js';

const CHANNEL = 'peerage:round-trip';

/**
 * Hands what the cluster counts to OpenTelemetry, whenever it is collected: peers, dials, polls, messages, queues, round
 * trips, runs of jobs. No attribute has the name of a node.
 *
 * @param meter @default that of the global meter provider
 * @returns the function that ends it.
 * @publicApi
 */
export function observeCluster(
  cluster: ClusterService,
  meter: Meter = metrics.getMeter('nestjs-peerage'),
): () => void {
  const observed = CLUSTER_METRICS.map((one) => ({ one, instrument: instrumentOf(meter, one) }));
  const instruments = observed.map(({ instrument }) => instrument);
  const observe = (result: BatchObservableResult): void => {
    const stats = cluster.stats();
    for (const { one, instrument } of observed)
      for (const { value, attributes } of one.read(stats))
        result.observe(instrument, value, withoutEmpty(attributes));
  };
  meter.addBatchObservableCallback(observe, instruments);
  const stops = [recordRoundTrips(cluster, meter), recordRuns(cluster, meter)];
  return () => {
    meter.removeBatchObservableCallback(observe, instruments);
    for (const stop of stops) stop();
  };
}

function instrumentOf(meter: Meter, { name, kind, unit, description }: ClusterMetric): Observable {
  const options = { unit, description };
  switch (kind) {
    case 'counter':
      return meter.createObservableCounter(name, options);
    case 'updown':
      return meter.createObservableUpDownCounter(name, options);
    case 'gauge':
      return meter.createObservableGauge(name, options);
  }
}

function recordRoundTrips(cluster: ClusterService, meter: Meter): () => void {
  const histogram = histogramOf(meter, ROUND_TRIP);
  const record = (message: unknown): void => {
    const { self, ms } = message as RoundTrip;
    // Several nodes may be in one process.
    if (self.bootId === cluster.self.bootId) histogram.record(ms / 1_000);
  };
  subscribe(CHANNEL, record);
  return () => void unsubscribe(CHANNEL, record);
}

function recordRuns(cluster: ClusterService, meter: Meter): () => void {
  const histogram = histogramOf(meter, RUN_DURATION);
  const subscription = cluster.runs$.subscribe((event) => {
    const run = runDuration(event);
    if (run) histogram.record(run.value, run.attributes);
  });
  return () => subscription.unsubscribe();
}

function histogramOf(meter: Meter, { name, unit, description, bounds }: ClusterHistogram): Histogram {
  const advice = { explicitBucketBoundaries: [...bounds] };
  return meter.createHistogram(name, { unit, description, advice });
}

function withoutEmpty(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ''));
}
