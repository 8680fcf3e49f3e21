import { Injectable, Module } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { ClusterService } from '../cluster/cluster.service.js';
import { observeCluster } from './observe-cluster.js';

@Injectable()
class OtelMetrics implements OnApplicationBootstrap, OnApplicationShutdown {
  private stop: () => void = () => {};

  constructor(private readonly cluster: ClusterService) {}

  onApplicationBootstrap(): void {
    this.stop = observeCluster(this.cluster);
  }

  onApplicationShutdown(): void {
    this.stop();
  }
}

/**
 * Metrics of the cluster by the app's OpenTelemetry SDK: import it beside `PeerageModule`. Spans need no import: messages
 * are traced as soon as an SDK is there.
 *
 * @publicApi
 */
@Module({ providers: [OtelMetrics] })
export class PeerageOtelModule {}
