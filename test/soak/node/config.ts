import type { PeerageModuleOptions } from 'nestjs-peerage';

/** The least that any of them takes as one message. */
export const LEAST_MESSAGE_BYTES = 4 * 1024 * 1024;

/** What `main.ts` is told, as JSON. */
export interface SoakConfig {
  /** Options of the module, without `via`. */
  readonly options: Omit<PeerageModuleOptions, 'via'>;
  /** Names of all nodes. */
  readonly names: readonly string[];
  readonly seed: number;
  /** Messages a second; a broadcast counts as one. */
  readonly rate: number;
  readonly sampleMs: number;
}

/** Counts by kind of message and by how it ended: `ok`, or the code of the error. */
export type Outcomes = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Of one process, since its start. */
export interface Tally {
  /** Messages that handlers got. */
  readonly handled: number;
  readonly handledBytes: number;
  readonly answeredBytes: number;
  /** Broadcasts, by peer. */
  readonly handed: number;
  readonly refused: number;
  readonly outcomes: Outcomes;
}

/** After a garbage collection, in bytes. */
export interface MemorySample {
  readonly heap: number;
  readonly rss: number;
  readonly buffers: number;
}

/** What a node says of itself when it rests. */
export interface SoakState {
  readonly bootId: string;
  /** Boot ids. */
  readonly peers: readonly string[];
  /** Messages of its own that have not ended. */
  readonly pending: readonly string[];
  /** Listeners that requests left on a signal that lives on. */
  readonly listeners: number;
  /** Requests with a long time limit that got no answer, by the boot id of who was asked. */
  readonly unanswered: Readonly<Record<string, number>>;
  /** `send()` that resolved, by the boot id of the receiver. */
  readonly sentTo: Readonly<Record<string, number>>;
  /** Messages of `send()` that were handled, by the boot id of the sender. */
  readonly handledFrom: Readonly<Record<string, number>>;
}

/** A line that `main.ts` prints. */
export type SoakLine =
  | { readonly type: 'started'; readonly bootId: string }
  | { readonly type: 'tally'; readonly tally: Tally }
  | { readonly type: 'memory'; readonly sample: MemorySample; readonly atMs: number }
  | { readonly type: 'down'; readonly bootId: string; readonly reason: string; readonly evidence: unknown }
  | { readonly type: 'fault'; readonly text: string }
  | { readonly type: 'ended'; readonly state: SoakState }
  | { readonly type: 'reply'; readonly id: number; readonly value?: unknown };

/** A command, one a line, as JSON: answered by the `reply` with its id. */
export interface SoakCommand {
  readonly id: number;
  /**
   * `rest`: no more load. `exchange`: a request to each peer, which has to be answered. `stall`: handlers don't end
   * before `unstall`.
   */
  readonly run: 'state' | 'rest' | 'exchange' | 'close' | 'stall' | 'unstall';
}
