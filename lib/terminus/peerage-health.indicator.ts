import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import type { HealthIndicatorResult } from '@nestjs/terminus';
import { ClusterService } from '../cluster/cluster.service.js';
import { type Health, livenessOf, type ReadinessOptions, readinessOf } from './health.js';

/** Terminus 12 has it, 11 does not. */
interface WithDegraded {
  degraded?: (data: Record<string, unknown>) => HealthIndicatorResult;
}

/**
 * The cluster in the health checks of `@nestjs/terminus` 11 and 12. Add it to the providers of the module that has your
 * health controller.
 *
 * @publicApi
 */
@Injectable()
export class PeerageHealthIndicator {
  constructor(
    private readonly cluster: ClusterService,
    private readonly indicators: HealthIndicatorService,
  ) {}

  /**
   * For readiness probes: `down` when no work should be sent to this node; `degraded` (with Terminus 11 `up`, with
   * `degraded: true`) when peers are missing, a provider fails, or its event loop was blocked within the last minute.
   */
  isReady<const Key extends string>(key: Key, options: ReadinessOptions = {}): HealthIndicatorResult<Key> {
    return this.result(key, readinessOf(this.cluster.stats(), options));
  }

  /**
   * For liveness probes: `down` when only a restart helps. Peers have no part in it: a split, or a cluster that is not
   * there yet, must restart nobody.
   */
  isAlive<const Key extends string>(key: Key): HealthIndicatorResult<Key> {
    return this.result(key, livenessOf(this.cluster.stats()));
  }

  private result<const Key extends string>(
    key: Key,
    { status, problems }: Health,
  ): HealthIndicatorResult<Key> {
    const session = this.indicators.check(key);
    const data = {
      peers: this.cluster.peers.length,
      ...(problems.length > 0 && { message: problems.join('; ') }),
    };
    if (status === 'up') return session.up(data);
    if (status === 'down') return session.down(data);
    const newer: WithDegraded = session;
    const degraded = newer.degraded?.(data) ?? session.up({ ...data, degraded: true });
    return degraded as HealthIndicatorResult<Key>;
  }
}
