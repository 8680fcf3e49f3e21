import { boundOf } from './bounds.js';
import { CIRCUMSTANCES } from './circumstances.js';
import { FAULTS } from './faults.js';
import type { TrialOutcome } from './trial.js';

/** With fewer samples the 99th percentile is the worst one, which has a bound of its own. */
const SAMPLES_OF_P99 = 100;

/** What all trials of one size and circumstance gave. */
export class Row {
  seeds = 0;
  seconds = 0;
  falseDowns = 0;
  never = 0;
  private readonly delays = new Map<string, number[]>();
  private readonly frames: number[] = [];
  private readonly bytes: number[] = [];
  readonly findings: string[] = [];

  constructor(
    readonly nodes: number,
    readonly circumstance: string,
  ) {}

  add({ spec, faults, frames, bytes, falseDowns, seconds }: TrialOutcome): void {
    this.seeds += 1;
    this.seconds += seconds;
    this.frames.push(frames);
    this.bytes.push(bytes);
    const replay = (fault: string) =>
      `npm run sim -- --matrix --nodes ${spec.nodes} --circumstance '${spec.circumstance}' --first ${spec.seed} --seeds 1 (${fault})`;
    this.accuse(falseDowns, replay('before any fault'));
    for (const { fault, delays, never, falseDowns: accused } of faults) {
      const all = this.delays.get(fault) ?? [];
      all.push(...delays, ...never.map(() => Number.POSITIVE_INFINITY));
      this.delays.set(fault, all);
      this.never += never.length;
      this.accuse(accused, replay(fault));
      const bound = boundOf(spec.nodes, spec.circumstance, fault);
      const late = delays.filter((delay) => delay > bound.worst);
      if (late.length > 0)
        this.findings.push(`${late.length} late, worst ${seconds1(Math.max(...late))} s: ${replay(fault)}`);
      if (never.length > 0) this.findings.push(`${never.length} never (${never[0]}): ${replay(fault)}`);
    }
  }

  private accuse(falseDowns: TrialOutcome['falseDowns'], replay: string): void {
    this.falseDowns += falseDowns.length;
    const [first] = falseDowns;
    if (first)
      this.findings.push(
        `${falseDowns.length} false, first: ${first.observer} says ${first.about} down (${first.reason}) at ${Math.round(first.atMs)} ms: ${replay}`,
      );
  }

  spread(fault: string): { count: number; p50: number; p99: number; worst: number } | undefined {
    const sorted = (this.delays.get(fault) ?? []).sort((a, b) => a - b);
    if (sorted.length === 0) return undefined;
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
    return { count: sorted.length, p50: at(0.5), p99: at(0.99), worst: sorted.at(-1)! };
  }

  /** What breaks a bound, for people. */
  faults(): string[] {
    const faults: string[] = [];
    const where = `${this.nodes} nodes, ${this.circumstance}`;
    for (const { name } of FAULTS) {
      const spread = this.spread(name);
      const bound = boundOf(this.nodes, this.circumstance, name);
      if (spread && spread.count >= SAMPLES_OF_P99 && spread.p99 > bound.p99)
        faults.push(`${where}, ${name}: p99 ${seconds1(spread.p99)} s`);
      if (spread && (spread.worst > bound.worst || spread.worst === Number.POSITIVE_INFINITY))
        faults.push(`${where}, ${name}: worst ${seconds1(spread.worst)} s`);
    }
    if (this.falseDowns > 0) faults.push(`${where}: ${this.falseDowns} false downs`);
    return faults;
  }

  markdown(): string {
    const cells = FAULTS.map(({ name }) => {
      const spread = this.spread(name);
      return spread ? [spread.p50, spread.p99, spread.worst].map(seconds1).join(' / ') : '';
    });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const told = [this.falseDowns, mean(this.frames).toFixed(1), Math.round(mean(this.bytes)), this.seeds];
    return `| ${[this.circumstance, ...cells, ...told].join(' | ')} |`;
  }
}

export function tableOf(nodes: number, rows: readonly Row[]): string {
  const head = [
    'circumstance',
    ...FAULTS.map(({ name }) => name),
    'false downs',
    'frames/s',
    'bytes/s',
    'seeds',
  ];
  const order = CIRCUMSTANCES.map(({ name }) => name);
  const sorted = rows.toSorted((a, b) => order.indexOf(a.circumstance) - order.indexOf(b.circumstance));
  return [
    `### ${nodes} nodes`,
    '',
    `| ${head.join(' | ')} |`,
    `| ${head.map(() => '---').join(' | ')} |`,
    ...sorted.map((row) => row.markdown()),
  ].join('\n');
}

function seconds1(ms: number): string {
  return ms === Number.POSITIVE_INFINITY ? 'never' : (ms / 1_000).toFixed(1);
}
