import type { MemoryNetwork } from '../mesh/memory-network.js';
import type { Prober, ProberOptions } from '../mesh/prober.js';
import { formatHostPort } from '../naming/node-name.js';

/** Probes through a network in memory: they get through where messages do, and none is lost. */
export class MemoryProbes {
  /** Who answers, by address. */
  private readonly answering = new Map<string, string>();

  constructor(private readonly network: MemoryNetwork) {}

  /** The prober of the node at an address. */
  at(from: string, { bootId, answered }: Pick<ProberOptions, 'bootId' | 'answered'>): Prober {
    this.answering.set(from, bootId);
    return {
      notes: [],
      probe: (target) => {
        const to = formatHostPort(target.host, target.port);
        this.network.clock.after(0, () => {
          if (this.answers(from, to, target.bootId)) answered(target.bootId, 0);
        });
      },
      close: async () => this.end(from),
    };
  }

  /** The process at this address is gone. */
  end(address: string): void {
    this.answering.delete(address);
  }

  private answers(from: string, to: string, bootId: string): boolean {
    const isThere = this.answering.get(to) === bootId;
    return isThere && !this.network.isCut(from, to) && !this.network.isCut(to, from);
  }
}
