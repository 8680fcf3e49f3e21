import { canonicalName } from '../../naming/node-name.js';
import { underDeadline } from '../../time/abortable.js';
import { sleep } from '../../time/waiting.js';
import type { ServeContext } from '../provider.js';
import type { KubeApi } from './kube-api.js';
import type { KubeCache } from './kube-cache.js';
import { kubeFailure, KubeStatusError } from './kube-errors.js';
import { nameAt } from './kube-names.js';
import type { KubeSettings } from './kube-options.js';

const LIST_MS = 10_000;
/** The server ends a watch after this time; one that goes on longer has stalled. */
const WATCH_SECONDS = 120;
const STALLED_MS = (WATCH_SECONDS + 10) * 1_000;
/** After a failure the next try waits so long, twice as long each time. */
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

/** One run of the Kubernetes provider: lists, then watches, and hands over new names. */
export class KubeSession {
  private known = new Set<string>();
  private retryMs = FIRST_RETRY_MS;

  constructor(
    private readonly api: KubeApi,
    private readonly cache: KubeCache,
    private readonly settings: KubeSettings,
    private readonly context: ServeContext,
  ) {}

  /**
   * An API that is down is waited for; the poll tells of it.
   *
   * @throws PeerageError `PROVIDER_FAILED` when this pod has not the right to watch.
   */
  async run(): Promise<void> {
    const { signal } = this.context;
    while (!signal.aborted) {
      try {
        await this.listAndWatch();
      } catch (error) {
        this.cache.goStale();
        if (error instanceof KubeStatusError && error.isDenied)
          throw kubeFailure(error, this.settings, signal);
        // The list is anew soon, unless the server takes no version at all.
        const isExpired = error instanceof KubeStatusError && error.isExpired;
        const isFirst = this.retryMs === FIRST_RETRY_MS;
        await sleep(isExpired && isFirst ? 0 : this.retryMs * (0.5 + Math.random()), signal);
        this.retryMs = Math.min(2 * this.retryMs, MAX_RETRY_MS);
      }
    }
    this.cache.goStale();
  }

  private async listAndWatch(): Promise<void> {
    const { signal } = this.context;
    this.cache.take(await underDeadline(LIST_MS, signal, (deadline) => this.api.list(deadline)));
    // Handed over also when it is empty: the provider works again.
    this.handOver(this.news());
    while (!signal.aborted) await underDeadline(STALLED_MS, signal, (deadline) => this.watchOnce(deadline));
  }

  private async watchOnce(signal: AbortSignal): Promise<void> {
    const startedAtMs = performance.now();
    for await (const event of this.api.watch(this.cache.resourceVersion, WATCH_SECONDS, signal)) {
      this.retryMs = FIRST_RETRY_MS;
      this.cache.apply(event);
      const news = this.news();
      if (news.length > 0) this.handOver(news);
    }
    // A proxy that ends every watch at once must not make us ask without a pause.
    if (performance.now() - startedAtMs < FIRST_RETRY_MS) await sleep(this.retryMs, signal);
  }

  private handOver(names: readonly string[]): void {
    const { signal, found } = this.context;
    if (!signal.aborted) found(names);
  }

  private news(): string[] {
    const { self } = this.context;
    const names = this.cache.all().flatMap((address) => nameAt(address, self, this.settings) ?? []);
    const ownName = canonicalName(self.name);
    const news = names.filter((name) => name !== ownName && !this.known.has(name));
    this.known = new Set(names);
    return news;
  }
}
