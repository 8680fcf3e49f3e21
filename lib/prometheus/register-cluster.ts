import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { register } from 'prom-client';
import type { Registry } from 'prom-client';
import { runDuration } from '../cluster/cluster-metrics.js';
import type { ClusterService } from '../cluster/cluster.service.js';
import type { RoundTrip } from '../mesh/mesh-stats.js';
import { ExportedClusters, labelsOf } from './exported-clusters.js';

const CHANNEL = 'peerage:round-trip';

/**
 * Registers what the cluster counts with prom-client; it is read at each scrape. The names are those of OpenTelemetry as
 * its exporter writes them: `peerage_peer_downs_total{peerage_down_reason="timeout"}`. No label has the name of a node.
 * Several nodes of one process, as in a test, may be registered with one registry: their counts are added up.
 *
 * @param registry @default the global one of prom-client
 * @returns the function that takes them away again.
 * @publicApi
 */
export function registerCluster(cluster: ClusterService, registry: Registry = register): () => void {
  const clusters = ExportedClusters.of(registry);
  clusters.add(cluster);
  const record = (message: unknown): void => {
    const { self, ms } = message as RoundTrip;
    // Several nodes may be in one process.
    if (self.bootId === cluster.self.bootId) clusters.roundTrips.observe(ms / 1_000);
  };
  subscribe(CHANNEL, record);
  const subscription = cluster.runs$.subscribe((event) => {
    const run = runDuration(event);
    if (run) clusters.runs.observe(labelsOf(run.attributes), run.value);
  });
  return () => {
    unsubscribe(CHANNEL, record);
    subscription.unsubscribe();
    clusters.remove(cluster);
  };
}
