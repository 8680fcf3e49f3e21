import { parentPort, workerData } from 'node:worker_threads';
import { describeError } from '../../errors/peerage-error.js';
import { LoopProgress, monotonicMs } from './loop-progress.js';
import { ProbeSocket, type ProbeTarget } from './probe-socket.js';

/** What the main thread starts this worker with. */
export interface ProbeWorkerData {
  readonly bootId: string;
  readonly key: Uint8Array;
  readonly bind: string | undefined;
  readonly port: number;
  readonly progress: SharedArrayBuffer;
}

/** What this worker tells the main thread. */
export type ProbeWorkerMessage =
  | { readonly type: 'open' }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'answered'; readonly bootId: string; readonly lagMs: number }
  | { readonly type: 'doubted'; readonly bootId: string; readonly silentMs: number; readonly atMs: bigint };

const { progress, ...data } = workerData as ProbeWorkerData;
const loop = new LoopProgress(progress);
const tell = (message: ProbeWorkerMessage): void => parentPort!.postMessage(message);

const socket = new ProbeSocket({
  ...data,
  lagMs: () => loop.lagMs(),
  answered: (bootId, lagMs) => tell({ type: 'answered', bootId, lagMs }),
  doubted: (bootId, silentMs) => tell({ type: 'doubted', bootId, silentMs, atMs: monotonicMs() }),
});
parentPort!.on('message', (target: ProbeTarget) => socket.probe(target));
try {
  await socket.open();
  tell({ type: 'open' });
} catch (error) {
  tell({ type: 'failed', message: describeError(error) });
}
