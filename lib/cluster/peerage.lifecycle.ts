import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { PeerageDiscovery } from '../discovery/peerage.discovery.js';
import { PeerageError, describeError } from '../errors/peerage-error.js';
import type { Mesh } from '../mesh/mesh.js';
import { Messaging } from '../messaging/messaging.js';
import { LOG_CONTEXT, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings, WaitForOptions } from '../peerage.options.js';
import { ClusterExplorer } from './cluster.explorer.js';
import { ClusterLog } from './cluster.log.js';
import { ClusterOrchestrator } from './cluster.orchestrator.js';
import { ClusterService } from './cluster.service.js';
import { EventHub } from './event-hub.js';
import { NodeState } from './node-state.js';
import { untilShutdown } from './shutdown-signals.js';

/** Starts and ends everything, with the app. */
@Injectable()
export class PeerageLifecycle implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private stopping: Promise<void> | undefined;

  constructor(
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    private readonly discovery: PeerageDiscovery,
    private readonly cluster: ClusterService,
    private readonly hub: EventHub,
    private readonly messaging: Messaging,
    private readonly log: ClusterLog,
    private readonly explorer: ClusterExplorer,
    private readonly orchestrator: ClusterOrchestrator,
    private readonly state: NodeState,
    private readonly container: DiscoveryService,
  ) {}

  /** Binds the listeners. Nothing is open yet. */
  async onModuleInit(): Promise<void> {
    this.assertOnlyOne();
    this.mesh.prepare();
    await this.discovery.prepare((event) => this.hub.emit(event));
    this.log.listen();
    this.explorer.explore();
    this.orchestrator.mount();
    this.mesh.subscribe((event) => this.hub.emit(event));
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.state.isStopped) return;
    try {
      await this.start();
    } catch (error) {
      const wasStopped = this.state.isStopped;
      await this.stop();
      if (!wasStopped) throw error;
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  private async start(): Promise<void> {
    await this.mesh.start();
    if (this.state.isStopped) return;
    this.state.run();
    this.log.started();
    this.discovery.start();
    if (this.settings.waitFor) await this.waitFor(this.settings.waitFor);
  }

  private async waitFor({ peers, timeoutMs, reject = false }: WaitForOptions): Promise<void> {
    try {
      await untilShutdown((signal) => this.cluster.waitFor(peers, { timeoutMs, signal }));
    } catch (error) {
      if (this.state.isStopped) return;
      const isTimeout = error instanceof PeerageError && error.code === 'WAIT_TIMEOUT';
      if (reject && isTimeout) throw error;
      this.log.goesOnWithout(error);
    }
  }

  private stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    this.state.stop();
    this.messaging.stop();
    const outcomes = await Promise.allSettled([this.discovery.stop(), this.mesh.stop()]);
    this.hub.complete();
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        new Logger(LOG_CONTEXT).error(`Shutdown was not clean: ${describeError(outcome.reason)}`);
  }

  /** A second import with options would be a second node under the same services. */
  private assertOnlyOne(): void {
    const count = this.container.getProviders().filter(({ token }) => token === PeerageLifecycle).length;
    if (count > 1)
      throw new PeerageError(
        'INVALID_OPTIONS',
        `PeerageModule.forRoot() is imported ${count} times in this app. Import it once: the module is global.`,
      );
  }
}
