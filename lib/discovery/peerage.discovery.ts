import { Inject, Injectable, Logger } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { describeError } from '../errors/peerage-error.js';
import type { Clock } from '../time/clock.js';
import { inRootContext } from '../time/root-context.js';
import type { Mesh } from '../mesh/mesh.js';
import type { NodeInfo } from '../naming/node-info.js';
import {
  LOG_CONTEXT,
  PEERAGE_CLOCK,
  PEERAGE_MESH,
  PEERAGE_RANDOM,
  PEERAGE_SETTINGS,
} from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import { ANNOUNCEMENT_KEYS, announcementKeys } from '../via/udp/announcement.js';
import type { TakesAnnouncementKeys } from '../via/udp/announcement.js';
import type { ClusterLabel } from '../via/provider.js';
import { AnswerWarnings } from './answer-warnings.js';
import type { NamedProvider } from './named-provider.js';
import { nameProviders } from './named-provider.js';
import type { DiscoveryEvent, PollReport } from './poll-report.js';
import { PollSchedule } from './poll.schedule.js';
import { Poller } from './poller.js';
import { ProviderHealth } from './provider-health.js';
import type { ProviderExplanation } from './provider-status.js';
import { ProviderPoller } from './provider-poller.js';
import { ProviderResolver } from './provider.resolver.js';
import { readNames } from './read-names.js';
import { ServeSupervisor } from './serve.supervisor.js';

/** Finds names: polls the providers on schedule, and keeps their long-running parts running. */
@Injectable()
export class PeerageDiscovery {
  private readonly logger = new Logger(LOG_CONTEXT);
  private readonly stopped = new AbortController();
  private health: readonly ProviderHealth[] = [];
  private readonly supervisors: ServeSupervisor[] = [];
  private poller: Poller | undefined;
  private schedule: PollSchedule | undefined;

  constructor(
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    @Inject(PEERAGE_RANDOM) private readonly random: () => number,
    private readonly resolver: ProviderResolver,
    private readonly moduleRef: ModuleRef,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Gets the providers ready, without starting anything.
   *
   * @throws PeerageError `INVALID_OPTIONS`
   */
  async prepare(emit: (event: DiscoveryEvent) => void): Promise<void> {
    const providers = nameProviders(await this.resolver.resolve(this.settings.via));
    const { warn, clock, cluster } = this;
    const health = new Map(providers.map(({ name }) => [name, new ProviderHealth(name, emit, clock)]));
    this.health = [...health.values()];
    const { limits } = this.settings;
    const pollers = providers.map((one) => {
      const warnings = new AnswerWarnings(one.name, limits, warn);
      const itsHealth = health.get(one.name)!;
      this.supervisors.push(this.supervisor(one, itsHealth, warnings));
      return new ProviderPoller(one, limits, itsHealth, warnings, clock, cluster);
    });
    const waitMs = limits.pollMs;
    const report = (done: PollReport) => emit({ type: 'poll', report: done });
    const { signal: stopped } = this.stopped;
    this.poller = new Poller(this.mesh, pollers, {
      waitMs,
      stopped,
      report,
      warn: this.warn,
      clock: this.clock,
    });
    this.handOutKeys(providers);
  }

  /** How every provider does. */
  explain(): ProviderExplanation[] {
    return this.health.map((one) => one.explain());
  }

  /** Starts the long-running parts and the schedule. */
  start(): void {
    if (!this.stopped.signal.aborted) inRootContext(() => this.startAll());
  }

  private startAll(): void {
    for (const supervisor of this.supervisors) supervisor.start();
    try {
      this.startSchedule(this.registryOfApp() ?? new SchedulerRegistry());
    } catch (error) {
      this.warn(`The poll is kept out of the app's SchedulerRegistry: ${describeError(error)}`);
      this.startSchedule(new SchedulerRegistry());
    }
  }

  /** Ends everything that was started. Bounded in time. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.schedule?.stop();
    await Promise.all(this.supervisors.map((supervisor) => supervisor.stop()));
  }

  /** Polls now, or joins the poll that is under way. */
  async poll(): Promise<PollReport> {
    return inRootContext(() => this.poller!.poll());
  }

  private startSchedule(registry: SchedulerRegistry): void {
    const { intervalMs, syncOffsetMs } = this.settings;
    const options = { intervalMs, syncOffsetMs, random: this.random, clock: this.clock };
    this.schedule = new PollSchedule(registry, options, () => this.pollOnSchedule());
    this.schedule.start();
  }

  private async pollOnSchedule(): Promise<void> {
    try {
      await this.poll();
    } catch (error) {
      if (!this.stopped.signal.aborted) this.logger.error(`The poll failed: ${describeError(error)}`);
    }
  }

  private supervisor(
    named: NamedProvider,
    health: ProviderHealth,
    warnings: AnswerWarnings,
  ): ServeSupervisor {
    const { mesh, random, warn, clock, cluster } = this;
    const found = this.hintsOf(named.name, health, warnings);
    const self = (): NodeInfo => mesh.self;
    const addressTaken = (ours: string): void => mesh.addressTaken(ours);
    const options = { self, cluster, random, found, warn, clock, addressTaken };
    return new ServeSupervisor(named, health, options);
  }

  /** Takes what a provider hands over by `found`: whatever it is, it must not harm the provider's event loop. */
  private hintsOf(
    provider: string,
    health: ProviderHealth,
    warnings: AnswerWarnings,
  ): (names: unknown) => void {
    const limit = this.settings.limits.hintedNames;
    const warn = (error: unknown) =>
      this.warn(`Provider ${provider} found nothing usable: ${describeError(error)}`);
    return (answer) => {
      try {
        const read = readNames(answer, limit);
        warnings.look(read, 'hintedNames');
        health.hinted(read.names.length);
        if (read.names.length > 0) this.mesh.found(read.names, { provider, as: 'hint' }).catch(warn);
      } catch (error) {
        warn(error);
      }
    };
  }

  private get cluster(): ClusterLabel {
    return { label: this.settings.cluster, isDerived: this.settings.clusterIsDerived };
  }

  private handOutKeys(providers: readonly NamedProvider[]): void {
    const keys = announcementKeys(this.settings.security, this.settings.cluster);
    for (const { provider } of providers)
      if (ANNOUNCEMENT_KEYS in provider)
        (provider as unknown as TakesAnnouncementKeys)[ANNOUNCEMENT_KEYS](keys);
  }

  private registryOfApp(): SchedulerRegistry | undefined {
    try {
      return this.moduleRef.get(SchedulerRegistry, { strict: false });
    } catch {
      return undefined;
    }
  }

  private readonly warn = (message: string): void => this.logger.warn(message);
}
