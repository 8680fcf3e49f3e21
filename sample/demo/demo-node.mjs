import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const mainOf = (sample) =>
  fileURLToPath(new URL(`../../build/sample/${sample}/src/main.js`, import.meta.url));
const OBSERVER = new URL('observer.mjs', import.meta.url).href;
const KEPT_LINES = 20;
const GRACE_MS = 5_000;

/** One of the processes: what runs now under its letter, and what that sees. */
export class DemoNode {
  /** `starting`, `running`, `killed` or `ended`. */
  state = 'ended';
  name = undefined;
  /** Boot ids of its peers, and their names. */
  peers = new Map();
  /** The end of what it printed. */
  lines = [];
  /** Where it serves the dashboard, when it does. */
  dashboard = undefined;
  #child;
  #ended = Promise.resolve();

  /** `changed(node, message)` is called with everything that it tells. */
  constructor(letter, sample, env, changed) {
    this.letter = letter;
    this.sample = sample;
    this.env = env;
    this.changed = changed;
  }

  get pid() {
    return this.#child?.pid;
  }

  get isAlive() {
    return this.state === 'starting' || this.state === 'running';
  }

  start() {
    this.state = 'starting';
    this.name = undefined;
    this.peers.clear();
    this.lines = [];
    const child = spawn(process.execPath, ['--import', OBSERVER, mainOf(this.sample)], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.on('message', (message) => this.#take(message));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => this.#keep(text));
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#keep(String(error));
        this.#end(child, null, null);
        resolve(null);
      });
      child.once('close', (code, signal) => {
        this.#end(child, code, signal);
        resolve(code);
      });
    });
  }

  /** `kill -9`. Returns the instant, in milliseconds of the wall clock. */
  kill() {
    const atMs = Date.now();
    this.#child.kill('SIGKILL');
    this.state = 'killed';
    return atMs;
  }

  /** Asks it to end, and kills it when it does not. Resolves with its exit code. */
  async stop() {
    if (!this.isAlive) return this.#ended;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS);
    const code = await this.#ended;
    clearTimeout(timer);
    return code;
  }

  /** The last resort, when the demo itself ends. */
  destroy() {
    if (this.isAlive) this.#child.kill('SIGKILL');
  }

  #take(message) {
    if (!this.isAlive) return;
    this.name = message.self;
    this.state = 'running';
    if (message.type === 'peer.up') this.peers.set(message.bootId, message.peer);
    if (message.type === 'peer.down') this.peers.delete(message.bootId);
    this.changed(this, message);
  }

  #end(child, code, signal) {
    if (child !== this.#child) return;
    if (this.isAlive) this.state = 'ended';
    this.peers.clear();
    this.changed(this, { type: 'ended', code, signal });
  }

  #keep(text) {
    this.lines.push(...String(text).split('\n').filter(Boolean));
    this.lines = this.lines.slice(-KEPT_LINES);
    const [, address] = /^Dashboard: (\S+)/m.exec(this.lines.join('\n')) ?? [];
    if (address !== undefined && this.dashboard !== address) {
      this.dashboard = address;
      this.changed(this, { type: 'serves' });
    }
  }
}
