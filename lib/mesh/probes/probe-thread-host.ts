import { Worker } from 'node:worker_threads';
import { describeError } from '../../errors/peerage-error.js';
import { PROBE_THREAD } from './probe-thread.source.js';
import type { FromThread, ProbeThreadData, ToThread } from './probe-thread.types.js';

/** A thread that ended is started again after this; doubled by each end… */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 60_000;

/** …that comes within this time of its start. */
const GOOD_RUN_MS = 60_000;

/** Told of what a thread does. */
interface ProbeThreadOwner {
  /** It runs, and takes what is posted. */
  online(): void;
  message(message: FromThread): void;
  /** It ended or could not be started, and will be again. */
  ended(why: string): void;
}

export type CreateWorker = (data: ProbeThreadData) => Worker;

/**
 * A worker from its text, which needs no file and so works from any bundle. Without the app's options of Node and
 * without its environment, it runs none of the app's preloads (`NODE_OPTIONS=--require …`).
 */
export const createWorker: CreateWorker = (workerData) =>
  new Worker(PROBE_THREAD, { eval: true, workerData, execArgv: [], env: {}, name: 'peerage probes' });

/** Keeps a thread running: one that ends in any way is started again. */
export class ProbeThread {
  private worker: Worker | undefined;
  private startedAtMs = 0;
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly data: ProbeThreadData,
    private readonly owner: ProbeThreadOwner,
    private readonly create: CreateWorker,
  ) {}

  start(): void {
    this.startedAtMs = performance.now();
    try {
      this.watch(this.create(this.data));
    } catch (error) {
      this.ended(describeError(error));
    }
  }

  post(message: ToThread): void {
    this.worker?.postMessage(message);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.worker?.terminate();
  }

  private watch(worker: Worker): void {
    let why: string | undefined;
    worker.once('online', () => {
      this.worker = worker;
      if (!this.isClosed) this.owner.online();
    });
    worker.on('message', (message: FromThread) => {
      if (!this.isClosed) this.owner.message(message);
    });
    worker.once('error', (error) => (why = describeError(error)));
    worker.once('exit', (code) => this.ended(why ?? `exit code ${code}`));
    // Only now: whoever listens for messages keeps the process alive.
    worker.unref();
  }

  private ended(why: string): void {
    this.worker = undefined;
    if (this.isClosed) return;
    if (performance.now() - this.startedAtMs > GOOD_RUN_MS) this.failures = 0;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.failures, LONGEST_PAUSE_MS);
    this.failures += 1;
    this.timer = setTimeout(() => this.start(), pauseMs).unref();
    this.owner.ended(why);
  }
}
