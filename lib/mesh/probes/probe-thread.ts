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

const socketAt = (port: number, bind = data.bind): ProbeSocket =>
  new ProbeSocket({
    ...data,
    bind,
    port,
    nowMs: monotonicMs,
    lagMs: () => loop.lagMs(),
    answered: (bootId, lagMs) => tell({ type: 'answered', bootId, lagMs, atMs: monotonicMs() }),
    unheard: (bootId, silentMs) => tell({ type: 'unheard', bootId, silentMs, atMs: monotonicMs() }),
    probedBy: (bootId) => tell({ type: 'probedBy', bootId }),
    unsent: (bootId, code) => tell({ type: 'unsent', bootId, code }),
  });

/**
 * The first socket of a thread takes long, because all that it needs is loaded then, and a node joins no cluster before
 * its own is open. So one is opened for nothing while the app still starts.
 */
async function warmUp(): Promise<void> {
  const first = socketAt(0, '127.0.0.1');
  await first.open().catch(() => {});
  first.close();
}

async function open(port: number): Promise<void> {
  const opened = socketAt(port);
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
void warmUp();
