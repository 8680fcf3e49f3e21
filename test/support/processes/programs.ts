import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('../../../', import.meta.url));

/** What is still running is killed when the test process ends, however it ends. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export interface ProgramOptions {
  /** Where the built programs are. @default this package */
  readonly root?: string;
  readonly args?: readonly string[];
  /** Beside the variables of this process; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A network namespace to run in. */
  readonly namespace?: string;
  /** Options of Node itself. */
  readonly nodeArgs?: readonly string[];
  /** A `node` of another version. @default the one that runs the tests */
  readonly node?: string | undefined;
}

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts `test/programs/NAME.ts`: its bundle where there is one, which is up much sooner, or as it was compiled. */
export function startProgram(name: string, options?: ProgramOptions): Program {
  const bundled = join(here, 'build/test/bundled', `${name}.js`);
  const compiled = join(options?.root ?? here, 'build/test/programs', `${name}.js`);
  return new Program(options?.root === undefined && existsSync(bundled) ? bundled : compiled, options);
}

/** Starts a process of the soak, `test/soak/node/main.ts`, compiled. */
export function startSoakNode(options?: ProgramOptions): Program {
  return new Program(join(here, 'build/test/soak/node/main.js'), options);
}

/** Starts the `main.ts` of `sample/NAME`, compiled. */
export function startSample(name: string, options?: ProgramOptions): Program {
  return new Program(join(here, 'build/sample', name, 'src/main.js'), options);
}

/** Stops every program that was started here: for `afterEach` or `afterAll`. */
export async function stopPrograms(programs: Iterable<Program>): Promise<void> {
  await Promise.all(Array.from(programs, (program) => program.stop()));
}

/** A Node.js process of its own, and what it prints. */
export class Program {
  /** Lines of standard output and standard error so far. */
  readonly lines: string[] = [];
  readonly ended: Promise<ProgramEnd>;
  private readonly child: ChildProcess;
  private readonly readers = new Set<() => void>();

  constructor(file: string, options: ProgramOptions = {}) {
    const { args = [], env = {}, namespace, nodeArgs = [], node: executable = process.execPath } = options;
    if (!existsSync(file))
      throw new Error(`${file} is not there. Run: npm run build && npm run build:programs`);
    const node = [executable, ...nodeArgs, file, ...args];
    // `ip` becomes the program, so that the process id and the signals are the program's.
    const [command = '', ...rest] =
      namespace === undefined ? node : ['ip', 'netns', 'exec', namespace, ...node];
    this.child = spawn(command, rest, { env: { ...process.env, ...env }, stdio: 'pipe' });
    running.add(this.child);
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.ended
      .catch(() => {})
      .finally(() => this.forget())
      .catch(() => {});
    this.child.stdin?.on('error', () => {}); // it may end before it reads
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.printed(line));
    }
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('The program did not start.');
    return this.child.pid;
  }

  get isRunning(): boolean {
    return running.has(this.child);
  }

  /** The first line that fits, of those printed from line number `from` on; waits for it. */
  async line(pattern: RegExp, { timeoutMs = 20_000, from = 0 } = {}): Promise<RegExpMatchArray> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (let at = from; ; at += 1) {
      await this.reach(at, deadline, pattern);
      const match = this.lines[at]?.match(pattern);
      if (match) return match;
    }
  }

  /** Writes a line to its standard input. */
  write(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Asks it to end, and kills it when it does not. */
  async stop(graceMs = 5_000): Promise<ProgramEnd> {
    this.child.kill('SIGTERM');
    this.child.kill('SIGCONT');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  /** `kill -9`. */
  async kill(): Promise<ProgramEnd> {
    this.child.kill('SIGKILL');
    return await this.ended;
  }

  /** Waits until line number `at` is printed. */
  private async reach(at: number, deadline: AbortSignal, pattern: RegExp): Promise<void> {
    while (this.lines.length <= at) {
      if (deadline.aborted) throw this.missing(pattern, 'in time');
      if (!this.isRunning) throw this.missing(pattern, 'before it ended');
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.readers.delete(wake);
          deadline.removeEventListener('abort', wake);
          resolve();
        };
        this.readers.add(wake);
        deadline.addEventListener('abort', wake);
      });
    }
  }

  private missing(pattern: RegExp, when: string): Error {
    return new Error(`The program did not print ${pattern} ${when}. It printed:\n${this.lines.join('\n')}`);
  }

  private printed(line: string): void {
    this.lines.push(line);
    this.wakeReaders();
  }

  private forget(): void {
    running.delete(this.child);
    this.wakeReaders();
  }

  private wakeReaders(): void {
    for (const wake of [...this.readers]) wake();
  }
}
