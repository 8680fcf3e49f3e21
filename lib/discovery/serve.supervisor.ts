import { PeerageError } from '../errors/peerage-error.js';
import type { Clock } from '../time/clock.js';
import { systemClock } from '../time/clock.js';
import type { NodeInfo } from '../naming/node-info.js';
import type { ClusterLabel } from '../via/provider.js';
import type { AdvisedContext, OwnAddressAdvice } from '../via/registry/own-address.js';
import type { NamedProvider } from './named-provider.js';
import type { ProviderHealth } from './provider-health.js';
import { toError } from '../errors/thrown.js';
import { onAbort } from '../time/abortable.js';
import { jittered, sleep, within } from '../time/waiting.js';

const FIRST_BACKOFF_MS = 250;
/** As often as a provider is polled: what is well again is found within that time. */
const MAX_BACKOFF_MS = 10_000;
/** Having run this long, it is well, and the next backoff is short again. */
const WELL_AFTER_MS = 30_000;
/** Having handed over names and run on for this long, it works again, though its next backoff is long still. */
const DELIVERED_MS = 1_000;
/** How long shutdown waits for it to heed its signal. */
const STOP_MS = 2_000;

export interface ServeOptions extends OwnAddressAdvice {
  readonly self: () => NodeInfo;
  readonly cluster?: ClusterLabel;
  readonly random: () => number;
  /** Takes whatever the provider hands over. Must not throw. */
  readonly found: (names: unknown) => void;
  readonly warn: (message: string) => void;
  /** @default the system's */
  readonly clock?: Clock;
}

/** Keeps the long-running part of one provider running. */
export class ServeSupervisor {
  private readonly aborter = new AbortController();
  private readonly clock: Clock;
  private running: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private lastWarning: string | undefined;

  constructor(
    private readonly named: NamedProvider,
    private readonly health: ProviderHealth,
    private readonly options: ServeOptions,
  ) {
    this.clock = options.clock ?? systemClock;
  }

  start(): void {
    if (this.named.provider.serve) this.running ??= this.keepRunning();
  }

  /** Ends it. One that does not heed its signal is left behind after a while. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    this.aborter.abort();
    const ended = await within(
      STOP_MS,
      (this.running ?? Promise.resolve()).then(() => true),
      undefined,
      this.clock,
    );
    if (!ended)
      this.options.warn(
        `Provider ${this.named.name} did not end its serve() within ${STOP_MS} ms, so shutdown goes on without ` +
          'it. It should return when its signal aborts.',
      );
  }

  private async keepRunning(): Promise<void> {
    const { signal } = this.aborter;
    let backoffMs = FIRST_BACKOFF_MS;
    while (!signal.aborted) {
      const { error, wasWell } = await this.runOnce();
      if (signal.aborted) return;
      this.health.failed('serve', error);
      if (wasWell) backoffMs = FIRST_BACKOFF_MS;
      await sleep(jittered(backoffMs, this.options.random), signal, this.clock);
      backoffMs = Math.min(2 * backoffMs, MAX_BACKOFF_MS);
    }
  }

  private async runOnce(): Promise<{ error: Error; wasWell: boolean }> {
    let wasWell = false;
    let hasDelivered = false;
    const timers: (() => void)[] = [];
    const worksAfter = (ms: number, then: () => void = () => {}): void => {
      const works = (): void => {
        then();
        this.health.worked('serve');
      };
      timers.push(this.clock.after(ms, works));
    };
    const cancel = (): void => timers.forEach((end) => end());
    const delivered = (): void => {
      if (!hasDelivered) worksAfter(DELIVERED_MS);
      hasDelivered = true;
    };
    worksAfter(WELL_AFTER_MS, () => (wasWell = true));
    const endWaiting = onAbort(this.aborter.signal, cancel);
    try {
      await this.named.provider.serve?.(this.context(delivered));
      return { error: new PeerageError('PROVIDER_FAILED', 'Its serve() returned early.'), wasWell };
    } catch (thrown) {
      return { error: toError(thrown), wasWell };
    } finally {
      cancel();
      endWaiting();
    }
  }

  private context(delivered: () => void): AdvisedContext {
    const { self, found, cluster, addressTaken } = this.options;
    const { signal } = this.aborter;
    return {
      get self() {
        return self();
      },
      ...(cluster && { cluster }),
      signal,
      found: (names) => {
        if (signal.aborted) return;
        delivered();
        found(names);
      },
      warn: (message) => this.warn(message),
      addressTaken: (ours) => {
        if (!signal.aborted) addressTaken?.(ours);
      },
    };
  }

  private warn(message: string): void {
    if (this.aborter.signal.aborted || message === this.lastWarning) return;
    this.lastWarning = message;
    this.options.warn(`Provider ${this.named.name}: ${message}`);
  }
}
