import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitOptions } from 'nestjs-peerage';
import { LEAST_MESSAGE_BYTES, type Tally } from './node/config.js';
import { nameOn } from '../support/processes/cluster.js';
import { lastingPorts } from './ports.js';
import { SoakProcess } from './soak-process.js';
import { lostAtEnd } from './states.js';
import type { AnyTroubleKind, Trouble } from './trouble.js';

const NODES = 5;
/** So many live the whole time, and nothing befalls them. */
export const STEADY = 2;
const END_MS = 15_000;
/** Handlers that never end are waited for so long. */
const DRAIN_MS = 3_000;
/** Until those that go on have handled the last words of one that has ended. */
const HEARD_MS = 10_000;
const LOOK_MS = 100;
/** The terminal tells the processes, too. */
const TOLD_BY: ReadonlySet<string | null> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP']);
const MIB = 1024 * 1024;
/** Enough for the longest message; a burst does not fit into the queue. */
const LIMITS = { messageBytes: 16 * MIB, sendQueueBytes: 32 * MIB };
/** Those that trouble befalls take less, each in its own way. */
const LESS: readonly Partial<LimitOptions>[] = [
  {},
  {},
  { messageBytes: LEAST_MESSAGE_BYTES },
  { frameBytes: 64 * 1024, handlers: 32, receiveQueueBytes: MIB },
  { messageBytes: LEAST_MESSAGE_BYTES, sendQueueBytes: 8 * MIB, handlers: 64 },
];

export interface ClusterOptions {
  readonly rate: number;
  readonly sampleMs: number;
  readonly random: () => number;
}

/** The five processes, each of which may be the successor of others. */
export class SoakCluster {
  readonly current: SoakProcess[] = [];
  readonly faults: string[] = [];
  readonly troubles: Partial<Record<AnyTroubleKind, number>> = {};
  /** Processes that ended gracefully and have lost nothing. */
  lossless = 0;
  private readonly all: SoakProcess[] = [];
  private readonly inTrouble = new Set<number>();
  private readonly underWay = new Set<Promise<void>>();
  /** Those that nobody told to end. */
  private readonly untold = new Set<SoakProcess>();
  private ports: number[] = [];
  private readonly secret = randomUUID();
  private readonly ending = new AbortController();

  constructor(private readonly options: ClusterOptions) {}

  async start(): Promise<void> {
    this.ports = await lastingPorts(NODES);
    await Promise.all(this.ports.map((_port, node) => this.launch(node)));
  }

  get tallies(): Tally[] {
    return this.all.flatMap(({ tally }) => tally ?? []);
  }

  /** Those that live the whole time. */
  get steady(): readonly SoakProcess[] {
    return this.current.slice(0, STEADY);
  }

  /** Processes in no trouble. */
  get alive(): number {
    return NODES - this.inTrouble.size;
  }

  get exposed(): number[] {
    return Array.from({ length: NODES - STEADY }, (_, i) => STEADY + i).filter((i) => !this.inTrouble.has(i));
  }

  /** Reads what all have printed; collects what was wrong. */
  take(): void {
    for (const process of this.all) {
      process.take();
      for (const text of process.faults.splice(0)) this.faults.push(`${this.nameOf(process)}: ${text}`);
    }
  }

  /** Goes on meanwhile; `calm` waits for its end. */
  begin(trouble: Trouble): void {
    this.inTrouble.add(trouble.node);
    this.troubles[trouble.kind] = (this.troubles[trouble.kind] ?? 0) + 1;
    const run = this.befall(trouble)
      .catch((error: unknown) => {
        if (!this.ending.signal.aborted)
          this.fail(`node ${trouble.node} after a ${trouble.kind}: ${String(error)}`);
      })
      .finally(() => {
        this.inTrouble.delete(trouble.node);
        this.underWay.delete(run);
      });
    this.underWay.add(run);
  }

  /** Waits until nobody is in trouble. */
  async calm(): Promise<void> {
    await Promise.all(this.underWay);
  }

  /** Nothing new begins, and whoever ends from now on was told to, if only by the terminal. */
  interrupt(): void {
    this.ending.abort();
  }

  /** SIGTERM, as from an orchestrator, to all. */
  async end(): Promise<void> {
    this.interrupt();
    await this.calm();
    await Promise.all(
      this.current.map((process, node) =>
        this.endOne(process, `node ${node}`, () => process.signal('SIGTERM')),
      ),
    );
  }

  /** Whatever state it is in. */
  async kill(): Promise<void> {
    this.interrupt();
    for (const process of this.all) if (process.isRunning) process.signal('SIGKILL');
    await Promise.all(this.all.map(({ ended }) => ended));
  }

  fail(text: string): void {
    this.faults.push(text);
  }

  private async befall({ kind, node, forMs }: Trouble): Promise<void> {
    const process = this.current[node]!;
    switch (kind) {
      case 'stop':
      case 'long stop':
        process.signal('SIGSTOP');
        await this.pause(forMs);
        process.signal('SIGCONT');
        return;
      case 'stall':
        process.tell('stall');
        await this.pause(forMs);
        process.tell('unstall');
        return;
      case 'kill':
        this.untold.delete(process);
        process.signal('SIGKILL');
        await process.ended;
        break;
      case 'roll':
      case 'terminate':
        await this.endOne(process, `node ${node}`, () => process.signal('SIGTERM'));
        await this.assertNothingLost(process, node);
        break;
      case 'close':
        await this.endOne(process, `node ${node}`, () => process.tell('close'));
        await this.assertNothingLost(process, node);
    }
    await this.pause(forMs);
    if (!this.ending.signal.aborted) await this.launch(node);
  }

  private async endOne(process: SoakProcess, name: string, ask: () => void): Promise<void> {
    this.untold.delete(process);
    ask();
    const { code, signal, inTime } = await process.end(END_MS);
    if (!inTime) this.fail(`${name} was told to end and had not ended after ${END_MS} ms`);
    else if (code !== 0 && !TOLD_BY.has(signal))
      this.fail(`${name} was told to end and ended with ${code ?? signal}`);
  }

  /** What it and the steady ones sent each other was handled, up to its end. */
  private async assertNothingLost({ last, isHarmed }: SoakProcess, node: number): Promise<void> {
    if (isHarmed || this.ending.signal.aborted) return;
    if (!last) return this.fail(`node ${node} was told to end and did not say how it ended`);
    const endMs = performance.now() + HEARD_MS;
    for (;;) {
      const lost = lostAtEnd(last, await Promise.all(this.steady.map((process) => process.run('state'))));
      if (lost.length === 0) break;
      if (performance.now() > endMs)
        return lost.forEach((text) => this.fail(`at the end of node ${node} ${text}`));
      await sleep(LOOK_MS);
    }
    this.lossless += 1;
  }

  private async launch(node: number): Promise<void> {
    const { rate, sampleMs, random } = this.options;
    const process = new SoakProcess({
      options: {
        appName: 'soak',
        cluster: 'soak',
        secret: this.secret,
        bind: '127.0.0.1',
        port: this.ports[node]!,
        limits: { ...LIMITS, ...LESS[node] },
        shutdown: { drainMs: DRAIN_MS },
      },
      names: this.ports.map((port) => nameOn(port, 'soak')),
      seed: Math.floor(random() * 2 ** 31),
      rate,
      sampleMs,
    });
    this.current[node] = process;
    this.all.push(process);
    this.untold.add(process);
    void this.watch(process, node);
    await process.started();
  }

  /** Nobody ends without being told to. */
  private async watch(process: SoakProcess, node: number): Promise<void> {
    const { code, signal } = await process.ended;
    if (this.untold.has(process) && !this.ending.signal.aborted)
      this.fail(`node ${node} ended by itself (${code ?? signal})`);
  }

  /** The shorter when all end. */
  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.ending.signal }).catch(() => {});
  }

  private nameOf(process: SoakProcess): string {
    const node = this.current.indexOf(process);
    return node < 0 ? `${process.bootId}, before` : `node ${node} (${process.bootId})`;
  }
}
