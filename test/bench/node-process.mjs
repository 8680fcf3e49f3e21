import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../build/test/programs/node.js', import.meta.url));
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Milliseconds of the wall clock, precise: comparable between processes of one machine. */
export const nowMs = () => performance.timeOrigin + performance.now();

/** One node, loaded and held: it listens when it is told to. */
export class NodeProcess {
  messages = [];
  #waiting = new Set();

  constructor(config, nodeArgs = []) {
    const args = [...nodeArgs, program, JSON.stringify({ held: true, quiet: true, ...config })];
    this.child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    running.add(this.child);
    this.ended = new Promise((resolve) => this.child.once('close', resolve)).then(() =>
      running.delete(this.child),
    );
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#take(line));
  }

  /** The first message that fits, of those from number `from` on. */
  async message(fits, from = 0, timeoutMs = 60_000) {
    const before = this.messages.slice(from).find(fits);
    if (before) return before;
    return new Promise((resolve, reject) => {
      const waiter = { fits, resolve: (message) => (clearTimeout(timer), resolve(message)) };
      const timer = setTimeout(() => reject(new Error('A node did not say what was waited for.')), timeoutMs);
      this.#waiting.add(waiter);
    });
  }

  held() {
    return this.message(({ type }) => type === 'held');
  }

  tell(run) {
    this.child.stdin.write(`${JSON.stringify({ id: 0, run })}\n`);
  }

  /** Resolves with the time at which it had all its peers. */
  async full(from = 0) {
    return (await this.message(({ type }) => type === 'full', from)).at;
  }

  async toldAt() {
    return (await this.message(({ type }) => type === 'told')).at;
  }

  async kill() {
    const atMs = nowMs();
    this.child.kill('SIGKILL');
    await this.ended;
    return atMs;
  }

  #take(line) {
    const message = JSON.parse(line);
    this.messages.push(message);
    for (const waiter of this.#waiting) {
      if (!waiter.fits(message)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(message);
    }
  }
}

export async function freePorts(count, host = '127.0.0.1') {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, host, () => resolve(server.address().port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
