import type { MemoryNetwork } from './memory-network.js';
import type { Prober, ProberOptions } from '../../mesh/probes/prober.js';
import { formatHostPort } from '../../naming/node-name.js';

type Answerer = Pick<ProberOptions, 'bootId' | 'answered' | 'unheard' | 'answering' | 'probedBy'>;

/** Probes through a network in memory: they get through where messages do, and none is lost. */
export class MemoryProbes {
  /** Who answers, by address. */
  private readonly answering = new Map<string, Answerer>();

  constructor(private readonly network: MemoryNetwork) {}

  /** The prober of the node at an address. */
  at(from: string, own: Answerer): Prober {
    return {
      notes: [],
      open: async () => {
        this.answering.set(from, own);
        own.answering(true);
      },
      probe: (target) => {
        const to = formatHostPort(target.host, target.port);
        this.network.clock.after(0, () => {
          const other = this.answering.get(to);
          if (other?.bootId !== target.bootId || this.network.isCut(from, to)) return;
          other.probedBy?.(own.bootId);
          if (target.silentMs > 0) other.unheard(own.bootId, target.silentMs);
          if (!this.network.isCut(to, from)) own.answered(other.bootId, 0, 0);
        });
      },
      close: async () => this.end(from),
    };
  }

  /** The process at this address is gone. */
  end(address: string): void {
    this.answering.delete(address);
  }
}
