import { canonicalName } from '../../naming/node-name.js';
import { pause, underDeadline } from '../../time/abortable.js';
import { nameOrUndefined } from '../../naming/checks.js';
import type { MeetingPoint } from './registry.js';
import type { ServeContext } from '../provider.js';

/** A refresh may fail twice before the entry expires. */
const REFRESHES_PER_TTL = 3;
/** After a failed refresh the next one is tried so soon, a half more or less. */
const RETRY_MS = 1_000;
/** Where there is nothing to listen to, this is tried again: after a pause that grows. */
const LISTEN_RETRY_MS = 500;
const MAX_LISTEN_RETRY_MS = 30_000;
/** Deadline of one question, and of the last one. */
const ASK_MS = 3_000;
const LEAVE_MS = 500;

/** One run of a provider whose nodes meet at a point: keeps our entry there, and hands over new names. */
export class MeetingSession {
  private known = new Set<string>();
  private wake = new AbortController();

  constructor(
    private readonly point: MeetingPoint,
    private readonly context: ServeContext,
    private readonly ttlMs: number,
  ) {}

  /**
   * @throws the error of the store when it can be read, but our entry not be written. One that is down is
   * waited for; the poll tells of it.
   */
  async run(): Promise<void> {
    const ended = new AbortController();
    const end = (): void => {
      ended.abort();
      this.wake.abort();
    };
    this.context.signal.addEventListener('abort', end);
    const listening = this.keepListening(ended.signal);
    try {
      while (!this.context.signal.aborted) await this.refreshAndWait();
    } finally {
      this.context.signal.removeEventListener('abort', end);
      end();
      await this.point.leave(this.context.self, AbortSignal.timeout(LEAVE_MS)).catch(() => {});
      await listening;
    }
  }

  private async refreshAndWait(): Promise<void> {
    this.wake = new AbortController();
    const isRefreshed = await this.refresh();
    const waitMs = isRefreshed ? this.ttlMs / REFRESHES_PER_TTL : RETRY_MS;
    await pause(waitMs * (0.5 + Math.random() / 2), this.wake.signal);
  }

  private async refresh(): Promise<boolean> {
    const unwritten = await this.register();
    const unread = await this.failureOf((signal) => this.handOverNew(signal));
    if (!unwritten || unread) return !unread;
    // The store may have come back between the two.
    const stillUnwritten = await this.register();
    if (stillUnwritten && !this.context.signal.aborted) throw stillUnwritten.reason;
    return !stillUnwritten;
  }

  private register(): Promise<PromiseRejectedResult | undefined> {
    return this.failureOf((signal) => this.point.register(this.context.self, signal));
  }

  private async failureOf(
    ask: (signal: AbortSignal) => Promise<void>,
  ): Promise<PromiseRejectedResult | undefined> {
    const [result] = await Promise.allSettled([underDeadline(ASK_MS, this.context.signal, ask)]);
    return result.status === 'rejected' ? result : undefined;
  }

  private async handOverNew(signal: AbortSignal): Promise<void> {
    const { self, found } = this.context;
    const ownName = canonicalName(self.name);
    const names = (await this.point.names(self, signal)).filter((name) => name !== ownName);
    const news = names.filter((name) => !this.known.has(name));
    this.known = new Set(names);
    if (news.length > 0 && !signal.aborted) found(news);
  }

  private async keepListening(signal: AbortSignal): Promise<void> {
    let retryMs = LISTEN_RETRY_MS;
    const onListening = (): void => {
      retryMs = LISTEN_RETRY_MS;
      // What came before is read.
      this.wake.abort();
    };
    while (!signal.aborted) {
      await this.listen(signal, onListening).catch(() => {});
      await pause(retryMs * (0.5 + Math.random()), signal);
      retryMs = Math.min(2 * retryMs, MAX_LISTEN_RETRY_MS);
    }
  }

  private async listen(signal: AbortSignal, listening: () => void): Promise<void> {
    const heard = (text: string): void => this.onHeard(text);
    await this.point.listen(this.context.self, signal, { heard, listening });
  }

  private onHeard(text: string): void {
    const name = nameOrUndefined(text);
    if (name === undefined || name === canonicalName(this.context.self.name)) return;
    this.known.add(name);
    if (!this.context.signal.aborted) this.context.found([name]);
  }
}
