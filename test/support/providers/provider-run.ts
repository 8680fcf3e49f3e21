import { setTimeout as sleep } from 'node:timers/promises';
import { AnswerWarnings } from '../../../lib/discovery/answer-warnings.js';
import { ProviderHealth } from '../../../lib/discovery/provider-health.js';
import { ProviderPoller } from '../../../lib/discovery/provider-poller.js';
import { ServeSupervisor } from '../../../lib/discovery/serve.supervisor.js';
import { parseNodeName } from '../../../lib/naming/node-name.js';
import type { PeerageProvider } from '../../../lib/via/provider.js';

/** Between two polls: more often than in an app, so that tests take less time. */
const POLL_EVERY_MS = 500;
const LIMITS = { pollMs: 5_000, polledNames: 1_000, hintedNames: 1_000 };

/** A provider as the module runs it: polled, and served under its supervisor, with what is said about it. */
export class ProviderRun {
  /** Names that it handed over, which no poll had to ask for. */
  readonly found: string[] = [];
  /** What a log would have: why it failed, that it works again, and its warnings. */
  readonly log: string[] = [];
  /** The names of its last poll, if that did not fail. */
  polled: readonly string[] | undefined;
  private readonly aborter = new AbortController();
  private readonly supervisor: ServeSupervisor;
  private readonly polling: Promise<void>;

  constructor(provider: PeerageProvider, name: string) {
    const bootId = Buffer.from(name).toString('hex').padStart(32, '0').slice(-32);
    const { host, port } = parseNodeName(name);
    const self = { name, bootId, host, port, meta: {} };
    const named = { name: provider.name ?? 'provider', provider };
    const warn = (message: string) => void this.log.push(`warning: ${message}`);
    const health = new ProviderHealth(named.name, (event) => {
      if (event.type === 'provider.failed') this.log.push(`failed: ${event.error.message}`);
      if (event.type === 'provider.recovered') this.log.push('recovered');
    });
    this.supervisor = new ServeSupervisor(named, health, {
      self: () => self,
      random: Math.random,
      found: (names) => void this.found.push(...(names as Iterable<string>)),
      warn,
    });
    const poller = new ProviderPoller(named, LIMITS, health, new AnswerWarnings(named.name, LIMITS, warn));
    this.polling = this.keepPolling(() => poller.poll(self, this.aborter.signal));
    this.supervisor.start();
  }

  async stop(): Promise<void> {
    this.aborter.abort();
    await Promise.all([this.supervisor.stop(), this.polling]);
  }

  private async keepPolling(poll: () => ReturnType<ProviderPoller['poll']>): Promise<void> {
    const { signal } = this.aborter;
    while (!signal.aborted) {
      const { names, error } = await poll();
      this.polled = error ? undefined : names;
      await sleep(POLL_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }
}
