import { Inject, Injectable, Module, Optional } from '@nestjs/common';
import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { ClusterService } from '../cluster/cluster.service.js';
import { registerCluster } from './register-cluster.js';

const OPTIONS = Symbol('peerage.prometheus');

/**
 * Options of {@link PeeragePrometheusModule}.
 *
 * @publicApi
 */
export interface PeeragePrometheusOptions {
  /** Where the metrics are registered. @default the global registry of prom-client */
  readonly registry?: Registry | undefined;
}

@Injectable()
class PrometheusMetrics implements OnApplicationBootstrap, OnApplicationShutdown {
  private stop: () => void = () => {};

  constructor(
    private readonly cluster: ClusterService,
    @Optional() @Inject(OPTIONS) private readonly options: PeeragePrometheusOptions | undefined,
  ) {}

  onApplicationBootstrap(): void {
    this.stop = registerCluster(this.cluster, this.options?.registry);
  }

  onApplicationShutdown(): void {
    this.stop();
  }
}

/**
 * Metrics of the cluster for prom-client: import it beside `PeerageModule`, and serve `register.metrics()` as ever.
 *
 * @publicApi
 */
@Module({ providers: [PrometheusMetrics] })
export class PeeragePrometheusModule {
  /** With a registry of the app's own. */
  static forRoot(options: PeeragePrometheusOptions): DynamicModule {
    return { module: PeeragePrometheusModule, providers: [{ provide: OPTIONS, useValue: options }] };
  }
}
