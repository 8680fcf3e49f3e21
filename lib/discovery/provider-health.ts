import type { DiscoveryEvent } from './poll-report.js';

/** The two things a provider does. */
export type ProviderPart = 'poll' | 'serve';

/** Whether one provider works. Says so when that changes, and only then. */
export class ProviderHealth {
  private readonly failing = new Set<ProviderPart>();

  constructor(
    private readonly provider: string,
    private readonly emit: (event: DiscoveryEvent) => void,
  ) {}

  failed(part: ProviderPart, error: Error): void {
    const wasWell = this.failing.size === 0;
    this.failing.add(part);
    if (wasWell) this.emit({ type: 'provider.failed', provider: this.provider, error });
  }

  worked(part: ProviderPart): void {
    const wasFailing = this.failing.delete(part);
    if (wasFailing && this.failing.size === 0)
      this.emit({ type: 'provider.recovered', provider: this.provider });
  }
}
