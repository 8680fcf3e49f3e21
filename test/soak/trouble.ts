/** What befalls a process. */
export type TroubleKind = 'kill' | 'stop' | 'long stop' | 'stall' | 'terminate' | 'close';

/** Those that come at random, and being restarted because all are, one after the other. */
export type AnyTroubleKind = TroubleKind | 'roll';

export interface Trouble {
  readonly kind: AnyTroubleKind;
  /** Which process. */
  readonly node: number;
  /** Until it goes on, or is started again. */
  readonly forMs: number;
}

const KINDS: readonly TroubleKind[] = [
  'kill',
  'kill',
  'stop',
  'stop',
  'long stop',
  'stall',
  'terminate',
  'close',
];

/** Shortest and longest. A process that is stopped for more than 4 s is declared down. */
const TIMES_MS: Readonly<Record<TroubleKind, readonly [number, number]>> = {
  kill: [0, 4_000],
  stop: [100, 2_000],
  'long stop': [5_000, 9_000],
  stall: [1_000, 8_000],
  terminate: [0, 3_000],
  close: [0, 3_000],
};

const PAUSES_MS: readonly [number, number] = [500, 7_000];

/** Who gets into trouble when: the same for the same random numbers and the same choice. */
export class TroublePlan {
  constructor(
    private readonly random: () => number,
    /** So many are always left alone. */
    private readonly minAlive: number,
  ) {}

  pauseMs(): number {
    return this.between(PAUSES_MS);
  }

  /**
   * @param exposed those that may get into trouble and are in none
   * @param alive how many processes are in no trouble
   */
  next(exposed: readonly number[], alive: number): Trouble | undefined {
    const kind = this.one(KINDS);
    const forMs = this.between(TIMES_MS[kind]);
    const choice = this.random();
    if (alive <= this.minAlive || exposed.length === 0) return undefined;
    return { kind, forMs, node: exposed[Math.floor(choice * exposed.length)]! };
  }

  private one<T>(of: readonly T[]): T {
    return of[Math.floor(this.random() * of.length)]!;
  }

  private between([from, to]: readonly [number, number]): number {
    return Math.round(from + this.random() * (to - from));
  }
}
