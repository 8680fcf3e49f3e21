import type { Growth, Sample } from './memory.js';
import type { Slope } from './slope.js';
import type { SoakCluster } from './soak-cluster.js';
import { requestsOf, sumOf, totalsOf } from './totals.js';

const MIB = 1024 * 1024;

/** What people see of it. */
export class Report {
  private readonly rows: (readonly [what: string, value: string])[] = [];
  private startMs = 0;
  private loadMs = 0;
  private last = { atMs: 0, handled: 0, bytes: 0 };

  constructor(private readonly cluster: SoakCluster) {}

  begin(): void {
    this.startMs = this.last.atMs = performance.now();
  }

  loadEnds(): void {
    this.loadMs = performance.now() - this.startMs;
  }

  /** One line. */
  progress(): void {
    const { cluster, last } = this;
    const totals = totalsOf(cluster.tallies);
    const atMs = performance.now();
    const perSecond = (count: number): number => (1_000 * count) / (atMs - last.atMs);
    const requests = requestsOf(totals);
    print(
      `${clock(atMs - this.startMs)}  ${cluster.alive} at work  ` +
        `${whole(perSecond(totals.handled - last.handled))} messages/s  ` +
        `${(perSecond(totals.bytes - last.bytes) / MIB).toFixed(1)} MiB/s  ` +
        `${whole(sumOf(requests))} requests, ${share(requests['ok'], sumOf(requests))} ok  ` +
        `heap ${this.heaps()} MiB  ${this.troubles()}${cluster.faults.length > 0 ? `  ${cluster.faults.length} FAULTS` : ''}`,
    );
    this.last = { atMs, handled: totals.handled, bytes: totals.bytes };
  }

  grew(name: string, growth: Growth, samples: readonly Sample[]): void {
    const [first, last] = [samples[0]!, samples.at(-1)!];
    const row = (what: 'heap' | 'rss' | 'buffers'): void => {
      const change = `${mib(first[what])} to ${mib(last[what])} MiB`;
      this.rows.push([`${name}, ${what} in its second half`, `${shown(growth[what])} (${change} in all)`]);
    };
    row('heap');
    row('buffers');
    row('rss');
  }

  end(): void {
    const { cluster } = this;
    const totals = totalsOf(cluster.tallies);
    const requests = requestsOf(totals);
    const seconds = this.loadMs / 1_000;
    this.rows.unshift(
      ['time', clock(this.loadMs)],
      ['messages handled', `${whole(totals.handled)}, ${whole(totals.handled / seconds)}/s`],
      ['bytes', `${whole(totals.bytes / MIB)} MiB, ${(totals.bytes / MIB / seconds).toFixed(1)} MiB/s`],
      ['requests', codes(requests)],
      ...Object.entries(totals.outcomes)
        .filter(([kind]) => kind !== 'send')
        .map(([kind, ended]) => [`  ${kind}`, codes(ended)] as const),
      ['sends', codes(totals.outcomes['send'])],
      ['broadcasts, by peer', `${whole(totals.handed)} handed, ${whole(totals.refused)} refused`],
      ['trouble', this.troubles() || 'none'],
      ['graceful ends at which nothing was lost', whole(cluster.lossless)],
    );
    const width = Math.max(...this.rows.map(([what]) => what.length));
    print('');
    for (const [what, value] of this.rows) print(`${what.padEnd(width)}  ${value}`);
  }

  private heaps(): string {
    return this.cluster.steady.map(({ samples }) => mib(samples.at(-1)?.heap ?? 0)).join(' and ');
  }

  private troubles(): string {
    return Object.entries(this.cluster.troubles)
      .map(([kind, count]) => `${kind}: ${count}`)
      .join(', ');
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function codes(counts: Readonly<Record<string, number>> = {}): string {
  const parts = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  return `${whole(sumOf(counts))}: ${parts.map(([code, count]) => `${code} ${whole(count)}`).join(', ')}`;
}

function shown({ slope, error }: Slope): string {
  return `${slope.toFixed(0)} ± ${error.toFixed(0)} KiB/min`;
}

function share(part = 0, of: number): string {
  return of === 0 ? '-' : `${((100 * part) / of).toFixed(0)} %`;
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

function clock(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
