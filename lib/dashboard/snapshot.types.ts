/**
 * What the page shows, as the node that serves it puts it together of what every node tells. The page draws it and
 * decides nothing.
 */
export interface Snapshot {
  /** The wall clock of the serving node, in milliseconds. */
  readonly at: number;
  readonly cluster: string;
  readonly security: 'secret' | 'tls' | 'none';
  /** The name of the serving node. */
  readonly servedBy: string;
  /** What is the matter, the worst first. Empty: nothing is. */
  readonly findings: readonly Finding[];
  /** How it stands, in one line. */
  readonly summary: string;
  readonly nodes: readonly NodeRow[];
  /** Row by row, in the order of `nodes`: one {@link CELLS character} for each column. */
  readonly matrix: readonly string[];
  /** Why a cell is not plain, by `row column`. */
  readonly cellWords: Readonly<Record<string, string>>;
  /** Newest first. */
  readonly timeline: readonly Happening[];
  readonly providers: readonly ProviderRow[];
  readonly jobs: readonly JobRow[];
  readonly notes: readonly { readonly text: string; readonly nodes: readonly string[] }[];
}

/** What a character of the matrix means: what the node of the row says of the node of the column. */
export const CELLS = {
  s: 'itself',
  u: 'sees it',
  b: 'sees it, its event loop is blocked',
  l: 'sees it, it shuts down',
  d: 'doubts that it lives',
  o: 'sees it, but is not seen by it',
  x: 'does not see it',
  '?': 'does not tell',
  '-': 'is gone',
} as const;

export type Cell = keyof typeof CELLS;

export interface Finding {
  readonly level: 'bad' | 'doubt' | 'note';
  readonly text: string;
}

/** `silent`: it does not answer the question what it sees. `untold`: its release does not know that question. */
export type NodeState = 'up' | 'blocked' | 'leaving' | 'doubted' | 'silent' | 'untold' | 'gone';

export interface NodeRow {
  readonly bootId: string;
  readonly name: string;
  /** The part of the name that tells it from the others. */
  readonly label: string;
  readonly state: NodeState;
  /** The state in words. */
  readonly words: string;
  readonly isSelf: boolean;
  /** It sees so many of the others that are there, when it tells. */
  readonly sees?: number;
  /** So many of those that tell see it. */
  readonly seenBy: number;
  /** Round trip from the serving node. */
  readonly rttMs?: number;
  readonly lagMs?: number;
  /** The last time its event loop did not run for a second or more: how long that was, and since when it is over. */
  readonly lastBlock?: { readonly forMs: number; readonly agoMs: number };
  readonly version?: string;
  readonly zone?: string;
  /** Keys it holds, where there are any. */
  readonly holds?: readonly string[];
  /** Its jobs that ran last, where there are any. */
  readonly jobs?: readonly string[];
  readonly uptimeMs?: number;
  readonly pid?: number;
  readonly nodeVersion?: string;
  /** How old what it told is. */
  readonly toldAgoMs?: number;
}

export interface Happening {
  readonly at: number;
  readonly kind: 'good' | 'bad' | 'doubt' | 'note';
  readonly text: string;
  /** By how many nodes; and their words, at most 10 different ones, each with who says so. */
  readonly seenBy: number;
  readonly voices: readonly { readonly node: string; readonly why: string }[];
}

/** A job of `@RunOnce()`, in words. */
export interface JobRow {
  readonly name: string;
  /** Who has it. */
  readonly on: string;
  /** Who runs it. Empty: nobody does. */
  readonly now: string;
  /** Its last run. */
  readonly last: string;
  /** Since the nodes that tell it started. */
  readonly counts: string;
  readonly isWell: boolean;
}

export interface ProviderRow {
  readonly name: string;
  readonly text: string;
  readonly isWell: boolean;
}
