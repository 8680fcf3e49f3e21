import { rank } from '../../../lib/ownership/core/rendezvous.js';
import { Runs } from '../../../lib/runs/core/runs.js';
import { KEEP_MS, WAKE_MS, keyText } from '../../../lib/runs/core/run.types.js';
import type { RunDirective, RunInput, RunKey, RunRules, RunView } from '../../../lib/runs/core/run.types.js';
import type { RunsWorld } from './runs-world.js';

export const JOB = 'Reports.daily';

type Status = 'up' | 'degraded' | 'leaving';

/** A node with the core, a schedule by its own clock, and a loop that may stand still. */
export class RunsNode {
  readonly peers = new Map<string, { status: Status; knowsJob: boolean; isKnown: boolean }>();
  readonly core: Runs;
  state: 'running' | 'stopped' | 'dead' = 'running';
  isSettled = false;
  isLeaving = false;
  /** It was killed, or stood still for so long that others gave it up. */
  wasTroubled = false;
  /** What waits for its loop. */
  private inbox: (() => void)[] = [];
  /** Whether it has never known of a run, as its handshakes say. */
  isBlank = true;
  /** Whom it has ever met. */
  private readonly met = new Set<string>();
  private nextDueMs: number;
  readonly ticked = new Set<string>();
  readonly events: { readonly atMs: number; readonly directive: RunDirective }[] = [];

  constructor(
    readonly id: string,
    private readonly world: RunsWorld,
    readonly hasJob: boolean,
    private readonly skewMs: number,
    private readonly rules: RunRules,
    quorum: number,
  ) {
    const having = (): string[] => {
      const own = this.hasJob && !this.isLeaving ? [this.id] : [];
      return [...own, ...[...this.peers].filter(([, { knowsJob }]) => knowsJob).map(([peer]) => peer)];
    };
    const peers = (): RunView['peers'] => [...this.peers].map(([peer, { status }]) => ({ id: peer, status }));
    const settled = (): boolean => this.isSettled;
    this.core = new Runs({
      self: id,
      quorum,
      bornAtMs: this.dateMs,
      get isSettled() {
        return settled();
      },
      get peers() {
        return peers();
      },
      having,
      passesOver: () => false,
      willFire: (key) => this.hasJob && this.nextDueMs <= key.dueMs,
      rank,
    });
    this.nextDueMs = this.dueAfter(this.dateMs);
    this.every(WAKE_MS, () => this.input({ type: 'wake' }));
    this.scheduleNext();
  }

  get dateMs(): number {
    return this.world.nowMs + this.skewMs;
  }

  /** As soon as its loop runs. */
  do(work: () => void): void {
    if (this.state === 'dead') return;
    if (this.state === 'stopped') this.inbox.push(work);
    else work();
  }

  input(input: RunInput): void {
    this.perform(this.core.handle(input, this.world.nowMs));
    if (this.core.knowsRuns) this.isBlank = false;
  }

  /** A connection stands; `wereBlank`: both sides said so at its handshake. */
  meet(id: string, wereBlank: boolean): void {
    this.input({ type: 'up', id, metBlank: wereBlank && !this.met.has(id) });
    this.met.add(id);
  }

  perform(directives: readonly RunDirective[]): void {
    for (const directive of directives) {
      this.events.push({ atMs: this.world.nowMs, directive });
      this.world.perform(this, directive);
    }
  }

  run(key: RunKey, forMs: number): void {
    this.world.after(forMs, () =>
      this.do(() => {
        this.world.recordOf(key).doneBy.push(this.id);
        this.input({ type: 'ended', key, isReleased: false });
      }),
    );
  }

  stop(): void {
    this.state = 'stopped';
  }

  /** What has arrived comes first, as it does in Node. */
  resume(): void {
    if (this.state !== 'stopped') return;
    this.state = 'running';
    for (const work of this.inbox.splice(0)) this.do(work);
  }

  private scheduleNext(): void {
    if (this.hasJob) this.world.after(this.nextDueMs - this.dateMs, () => this.do(() => this.fire()));
  }

  private fire(): void {
    if (this.isLeaving) return;
    const dueMs = this.nextDueMs;
    this.nextDueMs = this.dueAfter(this.dateMs);
    const key = { job: JOB, dueMs };
    this.ticked.add(keyText(key));
    this.input({ type: 'due', key, rules: this.rules, lateByMs: this.dateMs - dueMs });
    this.scheduleNext();
  }

  private dueAfter(dateMs: number): number {
    const { periodMs } = this.world;
    return Math.floor(dateMs / periodMs) * periodMs + periodMs;
  }

  private every(ms: number, work: () => void): void {
    const again = (): void => {
      if (this.state === 'dead') return;
      if (this.state === 'running') work();
      this.world.after(ms, again);
    };
    this.world.after(ms, again);
  }
}

export const rulesOf = (rules: Partial<RunRules>): RunRules => ({
  onLoss: 'skip',
  lateMs: 15_000,
  spread: false,
  isDirect: false,
  isOnce: false,
  isStored: false,
  keepMs: KEEP_MS,
  ...rules,
});
