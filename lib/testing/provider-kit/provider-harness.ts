import { setTimeout as sleep } from 'node:timers/promises';
import { readNames } from '../../discovery/read-names.js';
import type { NodeInfo } from '../../naming/node-info.js';
import type { PeerageProvider } from '../../via/provider.js';
import { outcomeOf, promptly } from './waiting.js';

/** As `limits.pollMs`. */
const POLL_MS = 5_000;
const LIMIT = 100_000;
/** Between two runs of a `serve` that failed. */
const RESTART_MS = 50;

/** The node in whose place the kit asks. */
export const SELF: NodeInfo = {
  name: 'kit@192.0.2.250:4001',
  bootId: 'feedfacefeedfacefeedfacefeedface',
  host: '192.0.2.250',
  port: 4001,
  meta: {},
};

/** One provider under test, run as the module runs it. */
export class ProviderHarness {
  /** Everything that `serve` handed over. */
  readonly found = new Set<string>();
  private aborter = new AbortController();
  private serving: Promise<void> = Promise.resolve();

  constructor(readonly provider: PeerageProvider) {}

  /** The names of one poll, without the node itself, sorted. */
  async poll(signal: AbortSignal = AbortSignal.timeout(POLL_MS)): Promise<string[]> {
    const answer = await this.provider.poll({ self: SELF, signal });
    return readNames(answer, LIMIT)
      .names.filter((name) => name !== SELF.name)
      .sort();
  }

  /** Starts `serve`, and starts it again when it fails, until `end`. */
  start(): void {
    this.aborter = new AbortController();
    this.serving = this.keepServing(this.aborter.signal);
  }

  /** One run of `serve`. */
  async serve(signal: AbortSignal): Promise<void> {
    await this.provider.serve?.({
      self: SELF,
      signal,
      found: (names) => {
        for (const name of readNames(names, LIMIT).names) this.found.add(name);
      },
    });
  }

  /** Aborts `serve`, which must heed it. */
  async end(): Promise<void> {
    this.aborter.abort();
    await promptly(this.serving, 'serve() should end when its signal aborts,');
  }

  private async keepServing(signal: AbortSignal): Promise<void> {
    if (!this.provider.serve) return;
    while (!signal.aborted) {
      await outcomeOf(this.serve(signal));
      if (!signal.aborted) await sleep(RESTART_MS);
    }
  }
}
