import { describeError } from '../../errors/peerage-error.js';
import type { NodeInfo } from '../../naming/node-info.js';
import { canonicalName } from '../../naming/node-name.js';
import { onAbort, underDeadline } from '../../time/abortable.js';
import { Sleeper } from '../../time/sleeper.js';
import { sleep } from '../../time/waiting.js';
import { type Namesake, Namesakes } from './namesakes.js';
import type { AdvisedContext } from './own-address.js';
import type { Registry } from './registry.js';

/** A refresh may fail twice before the entry expires. */
const REFRESHES_PER_TTL = 3;
/** After a failed refresh the next one is tried so soon, a half more or less. */
const RETRY_MS = 1_000;
/** After a failed read that a notification asked for. */
const REREAD_MS = 100;
/** Where there is nothing to listen to, this is tried again: after a pause that grows. */
const LISTEN_RETRY_MS = 500;
const MAX_LISTEN_RETRY_MS = 10_000;
/** One lost connection is ordinary. Who fails this often in a row, while the store can be read, has a reason. */
const LISTEN_FAILURES_TO_TELL = 2;
/** Deadline of one question, with its connection, and of the last one. */
const ASK_MS = 3_000;
const LEAVE_MS = 500;

/** One run of a provider whose nodes meet in a store: keeps our entry there, and hands over new names. */
export class RegistrySession {
  private known = new Set<string>();
  private readonly sleeper: Sleeper;
  private isReading = false;
  private hasChanged = false;
  private isReadable = false;
  private hasWorked = false;
  private readonly namesakes: Namesakes;
  private toldOf: string | undefined;

  constructor(
    private readonly registry: Registry,
    private readonly context: AdvisedContext,
    private readonly ttlMs: number,
  ) {
    this.sleeper = new Sleeper(context.signal);
    this.namesakes = new Namesakes(ttlMs + ASK_MS);
  }

  /**
   * @throws the error of the store when it can be read, but our entry not be written. One that is down is
   * waited for; the poll tells of it.
   */
  async run(): Promise<void> {
    const ended = new AbortController();
    const unlisten = onAbort(this.context.signal, () => ended.abort());
    const listening = this.keepListening(ended.signal);
    try {
      while (!this.context.signal.aborted) await this.refreshAndWait();
    } finally {
      unlisten();
      ended.abort();
      await this.registry.leave(this.context.self, AbortSignal.timeout(LEAVE_MS)).catch(() => {});
      await listening;
    }
  }

  private async refreshAndWait(): Promise<void> {
    this.sleeper.beginRound();
    const isRefreshed = await this.refresh();
    const waitMs = isRefreshed ? this.ttlMs / REFRESHES_PER_TTL : RETRY_MS;
    await this.sleeper.sleep(waitMs * (0.5 + Math.random() / 2));
  }

  private async refresh(): Promise<boolean> {
    const unwritten = await this.register();
    const unread = await this.failureOf((signal) => this.handOverNew(signal));
    this.isReadable = !unread;
    // The store may have come back between the two.
    const stillUnwritten = unwritten && !unread ? await this.register() : unwritten;
    if (stillUnwritten && !unread && !this.context.signal.aborted) throw stillUnwritten.reason;
    const isRefreshed = !stillUnwritten && !unread;
    if (isRefreshed) this.worksNow();
    return isRefreshed;
  }

  /** Handing over nothing says that the provider works, which nobody would know while no name is new. */
  private worksNow(): void {
    if (!this.hasWorked && !this.context.signal.aborted) this.context.found([]);
    this.hasWorked = true;
  }

  private register(): Promise<PromiseRejectedResult | undefined> {
    return this.failureOf((signal) => this.registry.register(this.context.self, signal));
  }

  private async failureOf(
    ask: (signal: AbortSignal) => Promise<void>,
  ): Promise<PromiseRejectedResult | undefined> {
    const [result] = await Promise.allSettled([underDeadline(ASK_MS, this.context.signal, ask)]);
    return result.status === 'rejected' ? result : undefined;
  }

  /** A process that was started again at its old name is new: its boot id is. */
  private async handOverNew(signal: AbortSignal): Promise<void> {
    const { self, found } = this.context;
    const ownName = canonicalName(self.name);
    const askedAtMs = performance.now();
    const all = await this.registry.entries(self, signal);
    if (signal.aborted) return;
    const entries = all.filter(({ name }) => name !== ownName);
    const before = this.known;
    this.known = new Set(entries.map(({ name, bootId = '' }) => `${name} ${bootId}`));
    const news = entries.filter(({ name, bootId = '' }) => !before.has(`${name} ${bootId}`));
    const names = new Set(news.map(({ name }) => name));
    if (names.size > 0) found(names);
    const namesake = this.namesakes.look(self, all, askedAtMs);
    if (namesake !== undefined) await this.makeWay(namesake, signal);
  }

  /**
   * Another live node has our name, since two machines have one address: that of a network which each has for itself.
   * The one from which the store is reached is most likely another; where it is not, people are asked. One that had our
   * name and has moved leaves us an address that leads others nowhere.
   */
  private async makeWay({ bootId, hasMoved }: Namesake, signal: AbortSignal): Promise<void> {
    const { name } = this.context.self;
    const address = await this.registry.ownAddress?.(signal).catch(() => undefined);
    if (signal.aborted) return;
    if (address !== undefined) this.context.addressTaken?.(address);
    if (this.context.self.name !== name) return this.sleeper.wake();
    if (!hasMoved && this.toldOf !== bootId) this.context.warn?.(twoOfOneName(this.context.self, bootId));
    if (!hasMoved) this.toldOf = bootId;
  }

  private async keepListening(signal: AbortSignal): Promise<void> {
    let failures = 0;
    const on = {
      changed: () => this.onChanged(signal),
      listening: () => {
        failures = 0;
        // What came before is read.
        this.sleeper.wake();
      },
    };
    while (!signal.aborted) {
      await this.registry.listen(this.context.self, signal, on).catch((error: unknown) => {
        failures += 1;
        if (failures >= LISTEN_FAILURES_TO_TELL && this.isReadable && !signal.aborted)
          this.context.warn?.(unheard(error));
      });
      const retryMs = Math.min(LISTEN_RETRY_MS * 2 ** Math.max(0, failures - 1), MAX_LISTEN_RETRY_MS);
      await sleep(retryMs * (0.5 + Math.random()), signal);
    }
  }

  /** Many notifications at once lead to one or two reads. */
  private onChanged(signal: AbortSignal): void {
    this.hasChanged = true;
    if (this.isReading) return;
    this.isReading = true;
    void this.readWhileChanged(signal).finally(() => (this.isReading = false));
  }

  private async readWhileChanged(signal: AbortSignal): Promise<void> {
    while (this.hasChanged && !signal.aborted) {
      this.hasChanged = false;
      const failure = await this.failureOf((deadline) => this.handOverNew(deadline));
      // The next refresh or poll reads it otherwise.
      if (failure) return sleep(REREAD_MS, signal);
    }
  }
}

function unheard(error: unknown): string {
  return `It is not notified of new nodes, which are found at the next poll only: ${describeError(error)}`;
}

function twoOfOneName({ name, bootId }: NodeInfo, namesake: string): string {
  return (
    `Two live nodes are registered as ${name}: boot ids ${bootId} (this one) and ${namesake}. Others can dial only one of ` +
    'them, and they do not find each other. Give each an address of its own: `host`, or PEERAGE_HOST (or `port` or `name`).'
  );
}
