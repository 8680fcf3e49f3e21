/** One run of a job: every node gives it the same key, whatever its clock says. */
export interface RunKey {
  readonly job: string;
  /** When it is due, as a date. */
  readonly dueMs: number;
}

/** What happens to a run whose node ends before it has said that it is done. */
export type OnLoss = 'skip' | 'rerun';

/** How the runs of one job are shared out. */
export interface RunRules {
  readonly onLoss: OnLoss;
  /** How long nodes that do not answer are waited for. */
  readonly lateMs: number;
  /** Each due time has an order of nodes of its own. */
  readonly spread: boolean;
  /** Whoever has it to do claims it, whatever the order. */
  readonly isDirect: boolean;
  /** Of `once()`: everybody hears how it ended, and when it failed it may be claimed again. */
  readonly isOnce: boolean;
  /** A store has to agree. */
  readonly isStored: boolean;
  /** How long it is remembered. */
  readonly keepMs: number;
}

/** What everybody has to know of a run that somebody has. */
export type Remembering = Pick<RunRules, 'onLoss' | 'keepMs'>;

/**
 * What a node knows of a run elsewhere: `claimed`, its holder wants it; `started`; `done`; `lost`, its holder ended
 * before it was done.
 */
export type RunState = 'claimed' | 'started' | 'done' | 'lost';

/** Why a run is not for this node. `unsure`: others did not answer in time. */
export type SkipReason = 'elsewhere' | 'lost' | 'unsure' | 'no quorum' | 'stale' | 'store' | 'leaving';

/** What nodes ask each other, and are answered at once. */
export type RunQuestion =
  | {
      readonly type: 'claim';
      readonly key: RunKey;
      /** Of this claimant: an answer to an earlier one is worth nothing. */
      readonly attempt: number;
      readonly onLoss: OnLoss;
      readonly keepMs: number;
    }
  /** Is it yours to claim, sooner or later? */
  | { readonly type: 'will'; readonly key: RunKey };

export type ClaimQuestion = Extract<RunQuestion, { type: 'claim' }>;

export type RunAnswer =
  /** `isYoung`: it may have been granted by one that was here before, so that it counts for no majority. */
  | { readonly type: 'yes'; readonly isYoung?: boolean }
  | { readonly type: 'no' }
  /** Somebody has it. */
  | { readonly type: 'held'; readonly by: string; readonly state: RunState };

export type HeldAnswer = Extract<RunAnswer, { type: 'held' }>;

/** What a node tells of a run. `released`, of its own: it may be claimed by others. */
export type RunWord = 'started' | 'done' | 'lost' | 'released';

export interface RunNews {
  readonly key: RunKey;
  /** Whose run it is. @default the one that tells it */
  readonly by?: string;
  readonly word: RunWord;
  readonly onLoss: OnLoss;
  readonly keepMs: number;
}

/**
 * `some` has just happened. `all` is what a node knows, for one that comes. A node for which the teller was there all the
 * time tells what it knows in turn, `again`: it was lost sight of, as one that was stopped is, and does not know.
 */
export type NewsScope = 'some' | 'all' | 'again';

export type RunInput =
  /** The schedule of this node says so, so long after that time. */
  | { readonly type: 'due'; readonly key: RunKey; readonly rules: RunRules; readonly lateByMs: number }
  | {
      readonly type: 'answered';
      readonly from: string;
      readonly question: RunQuestion;
      /** Without one: it could not be asked. `mute`: it knows nothing of runs. */
      readonly answer: RunAnswer | 'mute' | undefined;
    }
  | {
      readonly type: 'told';
      readonly from: string;
      readonly news: readonly RunNews[];
      readonly scope: NewsScope;
    }
  /** The store's word for a claim that all others granted. Without one: it could not be asked. */
  | { readonly type: 'stored'; readonly key: RunKey; readonly by: string | undefined }
  | { readonly type: 'ended'; readonly key: RunKey; readonly isReleased: boolean }
  /** `metBlank`: it is new, and knew of no run at the handshake. */
  | { readonly type: 'up'; readonly id: string; readonly metBlank?: boolean }
  | { readonly type: 'down'; readonly id: string }
  /** Something of the view is another one now. */
  | { readonly type: 'view' }
  /** This node was away for a while that its clock does not show. */
  | { readonly type: 'stood' }
  /** The store's word is still waited for. */
  | { readonly type: 'leave' }
  | { readonly type: 'stop' }
  /** At least every `WAKE_MS`. */
  | { readonly type: 'wake' };

export type RunDirective =
  | { readonly type: 'ask'; readonly to: string; readonly question: RunQuestion }
  /** `to`: this peer. Without it: all. */
  | {
      readonly type: 'tell';
      readonly to?: string;
      readonly news: readonly RunNews[];
      readonly scope: NewsScope;
    }
  /** Asks the store once at least, and again until this time. */
  | { readonly type: 'store'; readonly key: RunKey; readonly untilMs: number }
  | { readonly type: 'run'; readonly key: RunKey }
  | {
      readonly type: 'skip';
      readonly key: RunKey;
      readonly reason: SkipReason;
      readonly by: string | undefined;
    }
  /** Both ran it. */
  | { readonly type: 'duplicate'; readonly key: RunKey; readonly by: readonly [string, string] };

/** What another node is answered; and what is to be done besides. */
export interface Answered {
  readonly answer: RunAnswer;
  readonly directives: readonly RunDirective[];
}

/** The cluster, as this node sees it. Ids are boot ids. */
export interface RunView {
  readonly self: string;
  /** This node has found the others, and they have told what they have. */
  readonly isSettled: boolean;
  readonly peers: readonly { readonly id: string; readonly status: 'up' | 'degraded' | 'leaving' }[];
  /** The nodes with the job, this one included. */
  having(job: string): readonly string[];
  /** The schedule of this node will come to it. */
  willFire(key: RunKey): boolean;
  /** The schedule of this node passes it over, as the run before has not ended then. */
  passesOver(key: RunKey): boolean;
  /** The order in which ids get a key, the same on every node. */
  rank(key: string, ids: readonly string[]): readonly string[];
  /** How many nodes have to grant a run, its own included; 1 when no number matters. */
  readonly quorum: number;
  /** The date at which this node began. */
  readonly bornAtMs: number;
}

/** How often the core has to be woken. A longer gap shows that this node's loop stood still. */
export const WAKE_MS = 250;

/** A loop that stood still for this long may have been taken for dead. */
export const STALL_MS = 1_000;

/** After that it claims nothing for so long: its connections are made again, and others tell what was run. */
export const CALM_MS = 5_000;

/** Who is next in order is asked after so long whether it will claim, and again each time this is over. */
export const NUDGE_MS = 1_000;

/** Who did not answer is asked again. */
export const RETRY_MS = 200;

/** For so long runs are remembered. Clocks that differ by more are of no use. */
export const KEEP_MS = 15 * 60_000;

/** Runs that are overdue by more than this are not begun: others may have forgotten that they were run. */
export const MAX_AGE_MS = KEEP_MS / 2;

/** With a quorum: clocks differ by no more than this. */
export const MAX_SKEW_MS = 5_000;

/** So many runs that had their time, the latest, are told to a node that comes. */
export const MAX_TOLD = 2_000;

/** So many that have none, as those of `once()`, which are remembered for longer. */
export const MAX_TOLD_KEYS = 10_000;

/** What is old is forgotten so often. */
export const PRUNE_MS = 10_000;

export function keyText({ job, dueMs }: RunKey): string {
  return `${dueMs} ${job}`;
}
