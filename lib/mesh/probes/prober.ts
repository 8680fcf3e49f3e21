import { Worker } from 'node:worker_threads';
import { describeError } from '../../errors/peerage-error.js';
import { LoopProgress, monotonicMs } from './loop-progress.js';
import { ProbeSocket, type ProbeSocketOptions, type ProbeTarget } from './probe-socket.js';
import type { ProbeWorkerData, ProbeWorkerMessage } from './probe-worker.js';

/** What was said this long ago, while our own loop stood still, is no news: it is said again if it still holds. */
const OLD_MS = 500n;

export type ProberOptions = Omit<ProbeSocketOptions, 'lagMs'>;

/** Asks processes for a sign of life by UDP, and answers when asked. */
export interface Prober {
  /** What does not work here, for people. */
  readonly notes: readonly string[];
  probe(target: ProbeTarget): void;
  close(): Promise<void>;
}

/**
 * Starts a prober whose socket belongs to a worker thread, so that it answers while the main loop is blocked.
 * Where no worker can be started the main thread does it, and where the port cannot be had nobody does; the
 * notes say so.
 */
export function startProber(options: ProberOptions): Prober {
  return new ThreadedProber(options);
}

class ThreadedProber implements Prober {
  readonly notes: string[] = [];
  private readonly progress = new LoopProgress();
  private readonly stopTicks = this.progress.start();
  private worker: Worker | undefined;
  private socket: ProbeSocket | undefined;
  private isClosed = false;

  constructor(private readonly options: ProberOptions) {
    try {
      this.worker = this.startWorker();
    } catch (error) {
      this.fallBack(error);
    }
  }

  probe(target: ProbeTarget): void {
    if (this.worker) this.worker.postMessage(target);
    else this.socket?.probe(target);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.stopTicks();
    this.socket?.close();
    await this.worker?.terminate();
  }

  private startWorker(): Worker {
    const { bootId, key, bind, port } = this.options;
    const workerData: ProbeWorkerData = { bootId, key, bind, port, progress: this.progress.memory };
    const worker = new Worker(new URL('./probe-worker.js', import.meta.url), { workerData, execArgv: [] });
    worker.unref();
    worker.on('message', (message: ProbeWorkerMessage) => this.take(message));
    worker.once('error', (error) => this.fallBack(error));
    return worker;
  }

  private take(message: ProbeWorkerMessage): void {
    if (message.type === 'answered') this.options.answered(message.bootId, message.lagMs);
    else if (message.type === 'doubted') this.takeDoubt(message);
    else if (message.type === 'failed') this.notes.push(portIsMissing(this.options.port, message.message));
  }

  private takeDoubt({ bootId, silentMs, atMs }: Extract<ProbeWorkerMessage, { type: 'doubted' }>): void {
    if (monotonicMs() - atMs < OLD_MS) this.options.doubted(bootId, silentMs);
  }

  private fallBack(error: unknown): void {
    this.worker = undefined;
    if (this.isClosed) return;
    this.notes.push(
      `No worker thread could be started (${describeError(error)}): a node whose event loop is blocked cannot answer probes and looks dead.`,
    );
    void this.openHere();
  }

  private async openHere(): Promise<void> {
    const socket = new ProbeSocket({ ...this.options, lagMs: () => this.progress.lagMs() });
    try {
      await socket.open();
    } catch (error) {
      this.notes.push(portIsMissing(this.options.port, describeError(error)));
      return;
    }
    if (this.isClosed) socket.close();
    else this.socket = socket;
  }
}

function portIsMissing(port: number, why: string): string {
  return `UDP port ${port} could not be opened (${why}): this node neither sends nor answers probes, and peers judge it by TCP and by each other's word.`;
}
