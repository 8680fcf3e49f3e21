import { PeerageError, describeError } from '../errors/peerage-error.js';
import type { Clock } from '../time/clock.js';
import { dateMs, systemClock } from '../time/clock.js';
import type { FoundResult, Mesh } from '../mesh/mesh.js';
import { compareNames } from '../naming/node-name.js';
import { mergeResults, tryNames } from './found-results.js';
import type { PollReport, ProviderReport } from './poll-report.js';
import type { ProviderPoller } from './provider-poller.js';

/** Polls: asks all providers at once and hands each answer to the mesh as soon as it is there. */
export class Poller {
  private underWay: Promise<PollReport> | undefined;
  private readonly clock: Clock;

  constructor(
    private readonly mesh: Mesh,
    private readonly providers: readonly ProviderPoller[],
    private readonly options: {
      /** How long a poll waits for the attempts to reach the names of an answer. */
      readonly waitMs: number;
      readonly stopped: AbortSignal;
      readonly report: (report: PollReport) => void;
      readonly warn: (message: string) => void;
      /** @default the system's */
      readonly clock?: Clock;
    },
  ) {
    this.clock = options.clock ?? systemClock;
  }

  /**
   * Polls now. While a poll is under way, its report is what every caller gets.
   *
   * @throws PeerageError `ABORTED` when the app shuts down meanwhile.
   */
  poll(): Promise<PollReport> {
    this.underWay ??= this.run().finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  private async run(): Promise<PollReport> {
    const startedAt = new Date(dateMs(this.clock));
    const start = this.clock.now();
    const outcomes = await Promise.all(this.providers.map((provider) => this.ask(provider)));
    if (this.options.stopped.aborted) throw new PeerageError('ABORTED', 'The app is shutting down.');
    const report: PollReport = {
      startedAt,
      durationMs: this.clock.now() - start,
      providers: outcomes.map((outcome) => outcome.report),
      results: mergeResults(outcomes.flatMap(({ results }) => results)),
      live: [this.mesh.self, ...this.mesh.peers].map(({ name }) => name).sort(compareNames),
    };
    this.options.report(report);
    return report;
  }

  private async ask(provider: ProviderPoller): Promise<{ report: ProviderReport; results: FoundResult[] }> {
    const report = await provider.poll(this.mesh.self, this.options.stopped);
    const isAnswer = provider.hasAnswer && !this.options.stopped.aborted;
    return { report, results: isAnswer ? await this.tryNames(report) : [] };
  }

  private async tryNames({ provider, names }: ProviderReport): Promise<FoundResult[]> {
    try {
      return await tryNames(
        this.mesh,
        names,
        { provider, as: 'answer' },
        { ...this.options, clock: this.clock },
      );
    } catch (error) {
      this.options.warn(`The names of provider ${provider} could not be tried: ${describeError(error)}`);
      return [];
    }
  }
}
