import { setTimeout as sleep } from 'node:timers/promises';
import type { MemorySample, SoakCommand, SoakConfig, SoakLine, SoakState, Tally } from './node/config.js';
import { Program, type ProgramEnd, startSoakNode } from '../support/processes/programs.js';

const START_MS = 60_000;
const REPLY_MS = 60_000;
const LOOK_MS = 20;

export interface TimedSample extends MemorySample {
  readonly atMs: number;
}

/** A process of `node/main.ts`, and what it said so far. */
export class SoakProcess {
  bootId = '';
  tally: Tally | undefined;
  /** What it said when it had ended as it should. */
  last: SoakState | undefined;
  /** It was stopped, or killed: messages may have been lost. */
  isHarmed = false;
  readonly samples: TimedSample[] = [];
  readonly faults: string[] = [];
  readonly downs: { readonly bootId: string; readonly reason: string; readonly evidence: unknown }[] = [];
  private readonly program: Program;
  private readonly replies = new Map<number, unknown>();
  private lastCommand = 0;
  private read = 0;

  constructor(config: SoakConfig) {
    const nodeArgs = ['--expose-gc'];
    this.program = startSoakNode({ args: [JSON.stringify(config)], nodeArgs });
  }

  get isRunning(): boolean {
    return this.program.isRunning;
  }

  get ended(): Promise<ProgramEnd> {
    return this.program.ended;
  }

  async started(): Promise<void> {
    await this.until(() => this.bootId !== '', START_MS, 'did not start');
  }

  async run(what: 'state'): Promise<SoakState>;
  async run(what: SoakCommand['run']): Promise<unknown>;
  async run(what: SoakCommand['run']): Promise<unknown> {
    const id = (this.lastCommand += 1);
    this.tell(what, id);
    await this.until(() => this.replies.has(id), REPLY_MS, `did not do "${what}"`);
    return this.replies.get(id);
  }

  /** A command that nobody waits for. */
  tell(what: SoakCommand['run'], id = 0): void {
    const command: SoakCommand = { id, run: what };
    this.program.write(JSON.stringify(command));
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGSTOP' || signal === 'SIGKILL') this.isHarmed = true;
    this.program.signal(signal);
  }

  /** Waits until it has ended by itself; it is killed when it does not. Returns how it ended. */
  async end(withinMs: number): Promise<ProgramEnd & { readonly inTime: boolean }> {
    let inTime = true;
    const timer = setTimeout(() => {
      inTime = false;
      this.signal('SIGKILL');
    }, withinMs);
    const end = await this.program.ended;
    clearTimeout(timer);
    this.take();
    return { ...end, inTime };
  }

  /** Reads what it printed since the last time. */
  take(): void {
    const { lines } = this.program;
    for (; this.read < lines.length; this.read += 1) this.heard(lines[this.read]!);
  }

  private heard(text: string): void {
    const line = parsed(text);
    switch (line?.type) {
      case 'started':
        this.bootId = line.bootId;
        return;
      case 'tally':
        this.tally = line.tally;
        return;
      case 'memory':
        this.samples.push({ ...line.sample, atMs: line.atMs });
        return;
      case 'down':
        this.downs.push(line);
        return;
      case 'ended':
        this.last = line.state;
        return;
      case 'reply':
        this.replies.set(line.id, line.value);
        return;
      case 'fault':
        this.faults.push(line.text);
        return;
      case undefined:
        // Its logger is off: warnings of Node, or what made it crash.
        if (text.trim() !== '') this.faults.push(`printed: ${text}`);
    }
  }

  private async until(holds: () => boolean, withinMs: number, otherwise: string): Promise<void> {
    const endMs = performance.now() + withinMs;
    for (this.take(); !holds(); this.take()) {
      if (!this.isRunning)
        throw new Error(`a process ended and ${otherwise}: ${this.faults.slice(-5).join('; ')}`);
      if (performance.now() > endMs) throw new Error(`a process ${otherwise} in ${withinMs} ms`);
      await sleep(LOOK_MS);
    }
  }
}

/** A line may be cut off by `kill -9`: then it is none. */
function parsed(text: string): SoakLine | undefined {
  try {
    return JSON.parse(text) as SoakLine;
  } catch {
    return undefined;
  }
}
