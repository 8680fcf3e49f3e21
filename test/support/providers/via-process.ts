import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const runner = fileURLToPath(new URL('../run-ts.mjs', import.meta.url));
const program = fileURLToPath(new URL('via-child.ts', import.meta.url));

/** What the program in via-child.ts prints. */
export interface ViaMessage {
  /** It serves; the boot id that it has. */
  readonly ready?: string;
  readonly found?: readonly string[];
  readonly polled?: readonly string[];
  readonly failed?: { readonly code: string; readonly message: string; readonly cause: string };
  readonly ended?: boolean;
  /** What a log would have. */
  readonly warned?: string;
}

export interface ViaProcessOptions {
  /** A network namespace to run in. */
  readonly namespace?: string;
  /** Key of signed announcements, in hex. */
  readonly key?: string;
}

/** One provider in a process of its own. */
export class ViaProcess {
  readonly messages: ViaMessage[] = [];
  private readonly process: ChildProcess;
  private readonly ended: Promise<unknown>;
  private output = '';

  constructor(
    url: string,
    name: string,
    mode: 'poll' | 'serve',
    { namespace, key = '' }: ViaProcessOptions = {},
  ) {
    const node = [process.execPath, runner, program, url, name, mode];
    const [command = '', ...args] =
      namespace === undefined ? node : ['ip', 'netns', 'exec', namespace, ...node];
    this.process = spawn(command, args, { env: { ...process.env, VIA_KEY: key }, stdio: 'pipe' });
    this.ended = new Promise((resolve) => this.process.once('close', resolve));
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.messages.push(JSON.parse(line) as ViaMessage);
    });
    this.process.stderr!.on('data', (text: Buffer) => (this.output += text.toString()));
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** The first message that fits, of those from number `from` on; waits for it. */
  async message(
    fits: (message: ViaMessage) => unknown,
    { from = 0, timeoutMs = 20_000 } = {},
  ): Promise<ViaMessage> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const message = this.messages.slice(from).find(fits);
      if (message) return message;
      if (performance.now() > endMs || this.process.exitCode !== null) throw this.silence();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async hasFound(name: string, options?: { from?: number; timeoutMs?: number }): Promise<void> {
    await this.message((message) => message.found?.includes(name), options);
  }

  /** Polls a provider that serves. */
  async poll(): Promise<readonly string[]> {
    const from = this.messages.length;
    this.process.stdin!.write('\n');
    return (await this.message((message) => message.polled, { from })).polled!;
  }

  /** Aborts its signal and waits for its end. */
  async end(): Promise<void> {
    this.process.stdin!.end();
    await this.ended;
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  private silence(): Error {
    return new Error(`No such message; there were ${JSON.stringify(this.messages)} ${this.output}`);
  }
}

/** Polls once in a process of its own. */
export async function pollOnce(url: string, name: string, options?: ViaProcessOptions): Promise<ViaMessage> {
  const polling = new ViaProcess(url, name, 'poll', options);
  try {
    return await polling.message((message) => message.polled ?? message.failed, { timeoutMs: 60_000 });
  } finally {
    await polling.kill();
  }
}
