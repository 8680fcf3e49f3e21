import { parentPort, workerData } from 'node:worker_threads';
import { LoopProgress, monotonicMs } from './loop-progress.js';
import { ProbeSocket } from './probe-socket.js';
import type { FromThread, ProbeThreadData, ToThread } from './probe-thread.types.js';

/*
 * The program of the thread that answers probes. The main thread starts it from its text in
 * `probe-thread.source.ts`, which `npm run build:thread` makes of this file.
 */
const { progress, ...data } = workerData as ProbeThreadData;
const loop = new LoopProgress(progress);
const tell = (message: FromThread): void => parentPort!.postMessage(message);
let socket: ProbeSocket | undefined;

async function open(port: number): Promise<void> {
  const opened = new ProbeSocket({
    ...data,
    port,
    nowMs: monotonicMs,
    lagMs: () => loop.lagMs(),
    answered: (bootId, lagMs) => tell({ type: 'answered', bootId, lagMs, atMs: monotonicMs() }),
    unheard: (bootId, silentMs) => tell({ type: 'unheard', bootId, silentMs, atMs: monotonicMs() }),
    probedBy: (bootId) => tell({ type: 'probedBy', bootId }),
    unsent: (bootId, code) => tell({ type: 'unsent', bootId, code }),
  });
  try {
    await opened.open();
    socket = opened;
    tell({ type: 'open' });
  } catch (error) {
    opened.close();
    tell({ type: 'failed', message: (error as Error).message });
  }
}

parentPort!.on('message', (message: ToThread) => {
  if (message.type === 'open') void open(message.port);
  else socket?.probe(message.target);
});
