import type { ProbeTarget } from './probe-exchange.js';

/** What the main thread starts the probe thread with. */
export interface ProbeThreadData {
  readonly bootId: string;
  readonly key: Uint8Array;
  readonly bind: string | undefined;
  readonly progress: SharedArrayBuffer;
}

/** What the main thread tells it. */
export type ToThread =
  { readonly type: 'open'; readonly port: number } | { readonly type: 'probe'; readonly target: ProbeTarget };

/** What it tells the main thread. `atMs`: when, on the clock of the process. */
export type FromThread =
  | { readonly type: 'open' }
  | { readonly type: 'failed'; readonly message: string }
  | {
      readonly type: 'answered';
      readonly bootId: string;
      readonly lagMs: number;
      readonly atMs: number;
    }
  | { readonly type: 'unheard'; readonly bootId: string; readonly silentMs: number; readonly atMs: number }
  | { readonly type: 'probedBy'; readonly bootId: string }
  | { readonly type: 'unsent'; readonly bootId: string; readonly code: string };
