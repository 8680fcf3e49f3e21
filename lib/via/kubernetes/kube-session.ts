import { canonicalName } from '../../naming/node-name.js';
import { underDeadline } from '../../time/abortable.js';
import { jittered, sleep } from '../../time/waiting.js';
import type { ServeContext } from '../provider.js';
import type { KubeApi } from './kube-api.js';
import type { KubeCache, KubeChange } from './kube-cache.js';
import { kubeFailure, KubeStatusError } from './kube-errors.js';
import { nameAt } from './kube-names.js';
import type { KubeAddress } from './kube-names.js';
import type { KubeSettings } from './kube-options.js';

const LIST_MS = 10_000;
/** The server ends a watch after this time; one that goes on longer has stalled. */
const WATCH_SECONDS = 120;
const STALLED_MS = (WATCH_SECONDS + 10) * 1_000;
/** After a failure the next try waits so long, twice as long each time: nobody is asked more often than that. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 10_000;
/** A watch that went on for so long works, whatever ends it; one that is shorter may only have begun. */
const HELD_MS = 2_000;

/** One run of the Kubernetes provider: lists, then watches, and hands over new names. */
export class KubeSession {
  /** How many addresses go by each name. */
  private readonly counts = new Map<string, number>();
  private retryMs = FIRST_RETRY_MS;
  /** When the last list was taken; infinite while there is none. */
  private listedAtMs = Infinity;

  constructor(
    private readonly api: Pick<KubeApi, 'list' | 'watch'>,
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
        const isExpired = error instanceof KubeStatusError && error.isExpired;
        await this.pauseAfter(performance.now() - this.listedAtMs, isExpired);
      }
    }
    this.cache.goStale();
  }

  private async listAndWatch(): Promise<void> {
    const { signal } = this.context;
    this.listedAtMs = Infinity;
    // What is there at the start is of an earlier run.
    const before = this.counts.size > 0 ? this.cache.all() : [];
    this.cache.take(await underDeadline(LIST_MS, signal, (deadline) => this.api.list(deadline)));
    this.listedAtMs = performance.now();
    // Handed over also when it is empty: the provider works again.
    this.handOver(this.newsOf({ before, after: this.cache.all() }));
    while (!signal.aborted) await underDeadline(STALLED_MS, signal, (deadline) => this.watchOnce(deadline));
  }

  private async watchOnce(signal: AbortSignal): Promise<void> {
    const startedAtMs = performance.now();
    for await (const event of this.api.watch(this.cache.resourceVersion, WATCH_SECONDS, signal)) {
      const news = this.newsOf(this.cache.apply(event));
      if (news.length > 0) this.handOver(news);
    }
    // That it is over is no failure: the next one goes on where it was.
    await this.pauseAfter(performance.now() - startedAtMs, true);
  }

  /**
   * Keeps a server, or a proxy before it, that ends every watch at once from being asked without a pause. What a watch
   * said before it ended proves nothing: only one that held begins the pauses anew.
   */
  private async pauseAfter(heldMs: number, mayGoOnAtOnce: boolean): Promise<void> {
    const hasHeld = heldMs >= HELD_MS;
    if (hasHeld) this.retryMs = FIRST_RETRY_MS;
    if (hasHeld && mayGoOnAtOnce) return;
    // While there is no list, the poll tells why.
    if (this.retryMs === MAX_RETRY_MS && this.listedAtMs !== Infinity) this.warnOfShortWatches();
    await sleep(jittered(this.retryMs, Math.random), this.context.signal);
    this.retryMs = Math.min(2 * this.retryMs, MAX_RETRY_MS);
  }

  /** The same words each time, so that they are logged once. */
  private warnOfShortWatches(): void {
    const { kind, namespace, server } = this.settings;
    this.context.warn?.(
      `Kubernetes lists ${kind} in namespace ${namespace}, but every watch of them ends at once: new pods are found ` +
        `by polls alone. Is the API at ${server} in trouble, or is there a proxy that lets no answer go on?`,
    );
  }

  private handOver(names: readonly string[]): void {
    const { signal, found } = this.context;
    if (!signal.aborted) found(names);
  }

  /** The names that were not there before. Of thousands of pods, those that did not change are not looked at. */
  private newsOf({ before, after }: KubeChange): string[] {
    const ownName = canonicalName(this.context.self.name);
    const news = this.namesOf(after).filter((name) => this.count(name, 1) === 1 && name !== ownName);
    for (const name of this.namesOf(before)) this.count(name, -1);
    return news;
  }

  private namesOf(addresses: readonly KubeAddress[]): string[] {
    const { self } = this.context;
    return addresses.flatMap((address) => nameAt(address, self, this.settings) ?? []);
  }

  private count(name: string, by: 1 | -1): number {
    const count = (this.counts.get(name) ?? 0) + by;
    if (count > 0) this.counts.set(name, count);
    else this.counts.delete(name);
    return count;
  }
}
