import { best } from './rendezvous.js';

/** A run that failed is begun again after this, doubled with every further failure… */
const RETRY_MS = 1_000;
/** …up to this. */
const MAX_RETRY_MS = 30_000;

export interface HoldingsOptions {
  /** Who gains a key waits so long: who loses it may not know yet. */
  readonly handoverMs: number;
  /** Who was away for so long (blocked, stopped) may have been taken for dead: it lets go, as others may hold by now. */
  readonly awayMs: number;
}

export type HoldingsInput =
  /**
   * The nodes that count, by the ids that are ranked, and which of them we are; none when we may own nothing.
   */
  | { readonly type: 'view'; readonly members: readonly string[]; readonly self?: string }
  /** From now on this key is wanted here. */
  | {
      readonly type: 'want';
      readonly id: number;
      readonly key: string;
      /** Of holds with the same lane one runs at a time. @default of its own */
      readonly lane?: string | undefined;
    }
  | { readonly type: 'release'; readonly id: number }
  /** What was begun has ended, by itself or because it was told to. */
  | { readonly type: 'ended'; readonly id: number; readonly failed: boolean }
  /** The time of a `wakeAt` has come. */
  | { readonly type: 'wake' };

export type HoldingsDirective =
  /** This node holds the key: run what is to be run, and hand back its end as `ended`. */
  | { readonly type: 'begin'; readonly id: number }
  /** It does no more: what was begun has to end now. */
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'wakeAt'; readonly atMs: number };

interface Hold {
  readonly id: number;
  readonly key: string;
  readonly lane: string | undefined;
  isMine: boolean;
  /** When it is begun, while it is ours and not begun. */
  dueAtMs: number | undefined;
  run: 'none' | 'running' | 'aborted';
  failures: number;
  isReleased: boolean;
}

/**
 * Which keys this node holds: a pure state machine. What is begun for a key is told to end as soon as the key is
 * another's, and begun only some time after it has become ours.
 */
export class Holdings {
  private readonly holds = new Map<number, Hold>();
  /** Lanes in which something runs, or has not ended yet. */
  private readonly taken = new Set<string>();
  private members: readonly string[] = [];
  private self: string | undefined;
  private lastMs: number | undefined;
  private wakeAtMs: number | undefined;
  private out: HoldingsDirective[] = [];

  constructor(private readonly options: HoldingsOptions) {}

  isHeld(id: number): boolean {
    return this.holds.get(id)?.run === 'running';
  }

  handle(input: HoldingsInput, nowMs: number): HoldingsDirective[] {
    this.out = [];
    const awayMs = nowMs - (this.lastMs ?? nowMs);
    this.lastMs = nowMs;
    if (awayMs > this.options.awayMs) for (const hold of this.holds.values()) this.letGo(hold, nowMs);
    this.take(input, nowMs);
    for (const hold of this.holds.values()) this.beginIfDue(hold, nowMs);
    this.wakeLater(nowMs);
    return this.out;
  }

  private take(input: HoldingsInput, nowMs: number): void {
    switch (input.type) {
      case 'view':
        this.members = input.members;
        this.self = input.self;
        for (const hold of this.holds.values()) this.judge(hold, nowMs);
        return;
      case 'want': {
        const { id, key, lane } = input;
        const hold: Hold = {
          id,
          key,
          lane,
          isMine: false,
          dueAtMs: undefined,
          run: 'none',
          failures: 0,
          isReleased: false,
        };
        this.holds.set(id, hold);
        return this.judge(hold, nowMs);
      }
      case 'release': {
        const hold = this.holds.get(input.id);
        if (!hold) return;
        hold.isReleased = true;
        return this.judge(hold, nowMs);
      }
      case 'ended':
        return this.ended(input.id, input.failed, nowMs);
      case 'wake':
        this.wakeAtMs = undefined;
    }
  }

  private judge(hold: Hold, nowMs: number): void {
    const isMine =
      !hold.isReleased && this.self !== undefined && best(hold.key, this.members, (id) => id) === this.self;
    if (isMine === hold.isMine) return this.forgetIfOver(hold);
    hold.isMine = isMine;
    hold.failures = 0;
    this.letGo(hold, nowMs);
    this.forgetIfOver(hold);
  }

  /** Ends what runs. What is ours is begun anew after the time of a handover. */
  private letGo(hold: Hold, nowMs: number): void {
    if (hold.run === 'running') {
      hold.run = 'aborted';
      this.out.push({ type: 'abort', id: hold.id });
    }
    hold.dueAtMs = hold.isMine ? nowMs + this.options.handoverMs : undefined;
  }

  private ended(id: number, failed: boolean, nowMs: number): void {
    const hold = this.holds.get(id);
    if (!hold) return;
    // What ended because it was told to is begun again when it is ours again; what has done its work is not.
    if (hold.run === 'running' && failed) {
      hold.dueAtMs = nowMs + Math.min(RETRY_MS * 2 ** hold.failures, MAX_RETRY_MS);
      hold.failures += 1;
    }
    if (hold.run !== 'none' && hold.lane !== undefined) this.taken.delete(hold.lane);
    hold.run = 'none';
    this.forgetIfOver(hold);
  }

  private beginIfDue(hold: Hold, nowMs: number): void {
    if (hold.run !== 'none' || hold.dueAtMs === undefined || hold.dueAtMs > nowMs) return;
    const { lane } = hold;
    if (lane !== undefined && this.taken.has(lane)) return;
    if (lane !== undefined) this.taken.add(lane);
    hold.dueAtMs = undefined;
    hold.run = 'running';
    this.out.push({ type: 'begin', id: hold.id });
  }

  private forgetIfOver(hold: Hold): void {
    if (hold.isReleased && hold.run === 'none') this.holds.delete(hold.id);
  }

  /** While anything is ours it looks at the time often enough to see that it was away. */
  private wakeLater(nowMs: number): void {
    let atMs: number | undefined;
    for (const { isMine, dueAtMs, run } of this.holds.values()) {
      if (!isMine) continue;
      const lookMs = nowMs + this.options.awayMs / 4;
      // What is due already waits for its lane.
      const isToCome = run === 'none' && dueAtMs !== undefined && dueAtMs > nowMs;
      const wantedMs = isToCome ? Math.min(dueAtMs, lookMs) : lookMs;
      atMs = Math.min(atMs ?? wantedMs, wantedMs);
    }
    const isNews = atMs !== undefined && (this.wakeAtMs === undefined || atMs < this.wakeAtMs);
    if (!isNews) return;
    this.wakeAtMs = atMs;
    this.out.push({ type: 'wakeAt', atMs: atMs! });
  }
}
