import { describeError } from '../../errors/peerage-error.js';
import { inRootContext } from '../../time/root-context.js';
import { LoopProgress, monotonicMs } from './loop-progress.js';
import type { ProbeTarget } from './probe-exchange.js';
import { ProbeSocket } from './probe-socket.js';
import { createWorker, type CreateWorker, ProbeThread } from './probe-thread-host.js';
import type { FromThread } from './probe-thread.types.js';

/** Who had not heard us so long ago, while our own loop stood still, is no news: it says so again if it still holds. */
const OLD_NEWS_MS = 500;

/** A port that could not be had is tried again after this. */
const REOPEN_MS = 30_000;

/** For so long a probe that could not be sent is told of: until the next try when there is no haste, and more. */
const UNSENT_MS = 60_000;

export interface ProberOptions {
  readonly bootId: string;
  /** Our own probe key. */
  readonly key: Uint8Array;
  /** The listen address; undefined: every address. */
  readonly bind: string | undefined;
  /** An answer came `ageMs` ago: the process lived then, and its main loop was `lagMs` behind. */
  readonly answered: (bootId: string, lagMs: number, ageMs: number) => void;
  /** Another node probes us because it has not heard us for so long. */
  readonly unheard: (bootId: string, silentMs: number) => void;
  /** A genuine probe of another node arrived; told once in a while for each. @default nobody is told */
  readonly probedBy?: (bootId: string) => void;
  /** A probe could not be sent from here. @default only the notes tell */
  readonly unsent?: (bootId: string, code: string) => void;
  /** Whether probes of us are answered while the main loop is blocked. Told when it changes; at first they are not. */
  readonly answering: (isSo: boolean) => void;
}

/** Asks processes for a sign of life by UDP, and answers when asked. */
export interface Prober {
  /** What does not work here, for people. */
  readonly notes: readonly string[];
  /** Opens the port. Resolves when that is done or has failed. */
  open(port: number): Promise<void>;
  probe(target: ProbeTarget): void;
  close(): Promise<void>;
}

/**
 * Starts a prober whose socket belongs to a thread of its own, so that it answers while the main loop is
 * blocked. While there is no such thread the main thread does it, and where the port cannot be had nobody does;
 * the notes say so.
 */
export function startProber(options: ProberOptions, create: CreateWorker = createWorker): Prober {
  return inRootContext(() => new ThreadedProber(options, create));
}

class ThreadedProber implements Prober {
  private readonly progress = new LoopProgress();
  private readonly stopTicks = this.progress.start();
  private readonly thread: ProbeThread;
  /** `main`: there is no thread at this moment. */
  private place: 'starting' | 'thread' | 'main' = 'starting';
  private standIn: { readonly socket: ProbeSocket; readonly opened: Promise<unknown> } | undefined;
  private port: number | undefined;
  private endOpening: () => void = () => {};
  private readonly opened = new Promise<void>((resolve) => (this.endOpening = resolve));
  private reopen: NodeJS.Timeout | undefined;
  private isAnswering = false;
  private ends = 0;
  private lastEnd = '';
  private portFault: string | undefined;
  /** By boot id of whom a probe could not be sent to. */
  private readonly unsent = new Map<string, { readonly code: string; readonly atMs: number }>();

  constructor(
    private readonly options: ProberOptions,
    create: CreateWorker,
  ) {
    const { bootId, key, bind } = options;
    const data = { bootId, key, bind, progress: this.progress.memory };
    const owner = {
      online: () => void this.threadIsOnline(),
      message: (message: FromThread) => this.take(message),
      ended: (why: string) => this.threadEnded(why),
    };
    this.thread = new ProbeThread(data, owner, create);
    this.thread.start();
  }

  get notes(): readonly string[] {
    return [...this.threadNotes(), ...this.portNotes(), ...this.sendingNotes()];
  }

  open(port: number): Promise<void> {
    this.port = port;
    inRootContext(() => this.openPort());
    return this.opened;
  }

  probe(target: ProbeTarget): void {
    if (this.place === 'thread') this.thread.post({ type: 'probe', target });
    else this.standIn?.socket.probe(target);
  }

  async close(): Promise<void> {
    this.stopTicks();
    clearTimeout(this.reopen);
    await this.endStandIn();
    this.endOpening();
    await this.thread.close();
  }

  private async threadIsOnline(): Promise<void> {
    this.place = 'thread';
    await this.endStandIn();
    this.openPort();
  }

  /** Frees the port. */
  private async endStandIn(): Promise<void> {
    const ended = this.standIn;
    this.standIn = undefined;
    await ended?.opened;
    ended?.socket.close();
  }

  private threadEnded(why: string): void {
    this.place = 'main';
    this.ends += 1;
    this.lastEnd = why;
    this.tellAnswering(false);
    this.openPort();
  }

  private openPort(): void {
    clearTimeout(this.reopen);
    if (this.port === undefined || this.place === 'starting') return;
    if (this.place === 'thread') this.thread.post({ type: 'open', port: this.port });
    else if (!this.standIn) void this.openStandIn(this.port);
  }

  private async openStandIn(port: number): Promise<void> {
    const socket = new ProbeSocket({
      ...this.options,
      port,
      nowMs: monotonicMs,
      lagMs: () => this.progress.lagMs(),
      answered: (bootId, lagMs) => this.answered(bootId, lagMs, 0),
      probedBy: (bootId) => this.options.probedBy?.(bootId),
      unsent: (bootId, code) => this.noteUnsent(bootId, code),
    });
    const opened = socket.open().then(() => undefined, describeError);
    const own = (this.standIn = { socket, opened });
    const fault = await opened;
    if (this.standIn !== own) return;
    if (fault !== undefined) this.standIn = undefined;
    this.portIsSettled(fault);
  }

  private take(message: FromThread): void {
    switch (message.type) {
      case 'open':
        this.tellAnswering(true);
        return this.portIsSettled(undefined);
      case 'failed':
        return this.portIsSettled(message.message);
      case 'answered':
        return this.answered(message.bootId, message.lagMs, monotonicMs() - message.atMs);
      case 'unheard':
        if (monotonicMs() - message.atMs < OLD_NEWS_MS)
          this.options.unheard(message.bootId, message.silentMs);
        return;
      case 'probedBy':
        return this.options.probedBy?.(message.bootId);
      case 'unsent':
        return this.noteUnsent(message.bootId, message.code);
    }
  }

  private portIsSettled(fault: string | undefined): void {
    this.portFault = fault;
    if (fault !== undefined) this.reopen = setTimeout(() => this.openPort(), REOPEN_MS).unref();
    this.endOpening();
  }

  private tellAnswering(isSo: boolean): void {
    if (isSo === this.isAnswering) return;
    this.isAnswering = isSo;
    this.options.answering(isSo);
  }

  private answered(bootId: string, lagMs: number, ageMs: number): void {
    this.unsent.delete(bootId);
    this.options.answered(bootId, lagMs, ageMs);
  }

  private noteUnsent(bootId: string, code: string): void {
    this.options.unsent?.(bootId, code);
    this.unsent.set(bootId, { code, atMs: monotonicMs() });
    this.forgetUnsent();
  }

  private forgetUnsent(): void {
    const oldMs = monotonicMs() - UNSENT_MS;
    for (const [bootId, { atMs }] of this.unsent) if (atMs < oldMs) this.unsent.delete(bootId);
  }

  private threadNotes(): string[] {
    if (this.ends === 0) return [];
    if (this.isAnswering) {
      const times = this.ends === 1 ? 'once' : `${this.ends} times`;
      return [`The thread that answers probes ended ${times} (${this.lastEnd}) and was started again.`];
    }
    return [
      `The thread that answers probes is not there (${this.lastEnd}); it is started again and again. Until it runs, this node looks dead to its peers while its event loop is blocked.`,
    ];
  }

  private portNotes(): string[] {
    if (this.portFault === undefined) return [];
    return [
      `UDP port ${this.port} could not be opened (${this.portFault}): this node neither sends nor answers probes, and peers judge it by TCP and by each other's word.`,
    ];
  }

  private sendingNotes(): string[] {
    this.forgetUnsent();
    if (this.unsent.size === 0) return [];
    const codes = [...new Set([...this.unsent.values()].map(({ code }) => code))].join(', ');
    const nodes = this.unsent.size === 1 ? 'one node' : `${this.unsent.size} nodes`;
    return [
      `UDP probes to ${nodes} cannot be sent from here (${codes}): a firewall or a missing route of this host, not of theirs.`,
    ];
  }
}
