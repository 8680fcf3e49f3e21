import { Inject, Injectable, Logger } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleInit,
} from '@nestjs/common';
import { DiscoveryService, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { PeerageDiscovery } from '../discovery/peerage.discovery.js';
import { PeerageError, describeError } from '../errors/peerage-error.js';
import type { Clock } from '../time/clock.js';
import type { Mesh } from '../mesh/mesh.js';
import { Gate } from '../messaging/gate.js';
import { Messaging } from '../messaging/messaging.js';
import { Ownership } from '../ownership/ownership.service.js';
import { areEntriesExpected } from '../presence/expected-entries.js';
import { Presence } from '../presence/presence.service.js';
import { LOG_CONTEXT, PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings, WaitForOptions } from '../peerage.options.js';
import { LoopWatch } from '../time/loop-watch.js';
import { RunsExplorer } from '../runs/runs.explorer.js';
import { RunsService } from '../runs/runs.service.js';
import { sleep, within } from '../time/waiting.js';
import { OtherApps } from './apps/other-apps.js';
import { whenBootstrapped } from './bootstrap-end.js';
import { ClusterExplorer } from './cluster.explorer.js';
import { ClusterLog } from './cluster.log.js';
import { ClusterReports } from './cluster.reports.js';
import { ClusterOrchestrator } from './cluster.orchestrator.js';
import { ClusterService } from './cluster.service.js';
import { EventHub } from './event-hub.js';
import { closeOnceIdle } from './idle-connections.js';
import { NodeState } from './node-state.js';
import { StatusService } from './status.service.js';
import { TroubleLog } from './trouble.log.js';
import { untilShutdown } from './shutdown-signals.js';

/** A peer that is connected hears within this that we shut down, unless it is blocked or cut off. */
const TOLD_MS = 1_000;

/** Whether messages still wait for peers is looked at this often. */
const LOOK_MS = 20;

/**
 * Starts and ends everything, with the app. The end comes in two steps, around the one in which Nest closes HTTP
 * servers and microservices: peers are told before it, and goodbye is said after it.
 */
@Injectable()
export class PeerageLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private leaving: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private cancelDeadline: () => void = () => {};
  private endIdling: () => void = () => {};

  constructor(
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    private readonly discovery: PeerageDiscovery,
    private readonly cluster: ClusterService,
    private readonly hub: EventHub,
    private readonly messaging: Messaging,
    private readonly ownership: Ownership,
    private readonly presence: Presence,
    private readonly runs: RunsService,
    private readonly runsExplorer: RunsExplorer,
    private readonly log: ClusterLog,
    private readonly explorer: ClusterExplorer,
    private readonly orchestrator: ClusterOrchestrator,
    private readonly state: NodeState,
    private readonly container: DiscoveryService,
    private readonly modules: ModulesContainer,
    private readonly gate: Gate,
    private readonly http: HttpAdapterHost,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
    private readonly reports: ClusterReports,
    private readonly loop: LoopWatch,
    private readonly trouble: TroubleLog,
    private readonly status: StatusService,
    private readonly apps: OtherApps,
  ) {}

  /** Binds the listeners. Nothing is open yet. */
  async onModuleInit(): Promise<void> {
    this.assertOnlyOne();
    // Who puts another service in its place wants no cluster.
    if (!ClusterService.isReal(this.cluster)) return this.state.stop();
    this.mesh.prepare();
    await this.discovery.prepare((event) => this.hub.emit(event));
    this.log.listen();
    this.reports.listen();
    this.explorer.explore();
    this.orchestrator.mount();
    this.apps.open();
    this.runs.open();
    this.runsExplorer.explore();
    this.hub.on('poll', () => this.ownership.polled());
    this.mesh.subscribe((event) => this.hub.emit(event));
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.state.isStopped) return;
    const opensLater = whenBootstrapped(this.modules, {
      ended: () => this.gate.open(),
      // A process that goes no further should end, and be no member meanwhile.
      failed: () => void this.stop(),
    });
    try {
      await this.start();
      if (!opensLater) this.gate.open();
    } catch (error) {
      const wasStopped = this.state.isStopped;
      await this.stop();
      if (!wasStopped) throw error;
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.leaving ??= this.leave();
    await this.leaving;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.beforeApplicationShutdown();
    this.endIdling();
    await Promise.race([this.deliver(), this.state.stopped]);
    await this.stop();
  }

  /** The end, whatever is under way. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async start(): Promise<void> {
    if (areEntriesExpected()) this.mesh.notBlank();
    await this.mesh.start();
    if (this.state.isStopped) return;
    this.state.run();
    this.reports.started();
    this.loop.start((block) => this.log.blocked(block));
    this.log.started();
    this.ownership.start();
    this.trouble.start();
    this.status.start();
    this.runs.start();
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
      this.log.warnBootContinues(error);
    }
  }

  /** Peers send nothing new from now on, and what they have sent is answered. */
  private async leave(): Promise<void> {
    const { drainMs } = this.settings.shutdown;
    this.ownership.leave();
    this.runs.leave();
    if (!this.state.leave()) return this.stop();
    this.log.leaving(drainMs);
    if (drainMs === 0) return this.stop();
    this.endIdling = closeOnceIdle(this.http.httpAdapter?.getHttpServer(), this.clock);
    this.cancelDeadline = this.clock.after(drainMs, () => this.giveUp(drainMs), true);
    // The other half is for HTTP and microservices, which Nest closes next, and which may need the cluster.
    await Promise.race([within(drainMs / 2, this.finish(), undefined, this.clock), this.state.stopped]);
  }

  private async finish(): Promise<void> {
    const { mesh, clock, messaging, ownership, settings } = this;
    // Who finds us from now on finds us leaving.
    const discovered = this.discovery.stop();
    const hadPeers = mesh.peers.length > 0;
    // Others begin a while after they hear that we leave: what they begin has ended here by then.
    await within(settings.ownership.handoverMs, ownership.finished(), undefined, clock);
    await within(TOLD_MS, mesh.drain(), undefined, clock);
    await Promise.all([hadPeers ? messaging.work.finished() : messaging.work.done(), ownership.finished()]);
    await discovered;
  }

  /** What this node was asked is done, and what it sent has gone: who takes it slowly takes it till `drainMs`. */
  private async deliver(): Promise<void> {
    const { mesh, clock, messaging, state } = this;
    do {
      // Requests of others may have come while Nest closed the servers, or while this waited.
      await messaging.work.done();
      if (mesh.waitingBytes() > 0) await sleep(LOOK_MS, undefined, clock);
    } while (!state.isStopped && (mesh.waitingBytes() > 0 || messaging.work.size > 0));
  }

  private giveUp(drainMs: number): void {
    const { size } = this.messaging.work;
    const handlers = size === 1 ? '1 handler is' : `${size} handlers are`;
    const waited = `Shutdown waited ${drainMs} ms (shutdown.drainMs) and waits no longer`;
    new Logger(LOG_CONTEXT).warn(size > 0 ? `${waited}: ${handlers} still at work` : waited);
    void this.stop();
  }

  private async end(): Promise<void> {
    this.cancelDeadline();
    this.loop.stop();
    this.trouble.stop();
    const wasLeaving = this.state.isLeaving;
    const peers = this.mesh.peers.length;
    this.state.stop();
    this.ownership.stop();
    this.runs.stop();
    this.messaging.stop();
    const outcomes = await Promise.allSettled([this.discovery.stop(), this.mesh.stop(), this.status.stop()]);
    this.presence.stop();
    this.log.stop();
    if (wasLeaving) this.log.left(peers);
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
