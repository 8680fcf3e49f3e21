import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startBroker } from './brokers.mjs';
import { contenders } from './contenders.mjs';

/** One process of a contender, asked one thing at a time. */
class Side {
  waiting = [];

  constructor(side, id) {
    this.child = fork(new URL('./process.mjs', import.meta.url), [side, id], {
      execArgv: process.env.BENCH_NODE_ARGS?.split(' ') ?? [],
    });
    this.child.on('message', ({ result, error }) => {
      const { resolve, reject } = this.waiting.shift();
      if (error) reject(new Error(error));
      else resolve(result);
    });
    this.child.on('exit', () => {
      for (const { reject } of this.waiting) reject(new Error(`${side} of ${id} ended`));
    });
    this.ready = this.answer();
  }

  answer() {
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  ask(command, options = {}) {
    const answer = this.answer();
    this.child.send({ command, options });
    return answer;
  }

  async stop() {
    this.child.disconnect();
    if (this.child.exitCode === null) await once(this.child, 'exit');
  }
}

/** A contender's server and client, connected. */
export async function enter(id, nodes) {
  const { broker: kind, noEvents = false } = contenders[id];
  const broker = kind && (await startBroker(kind));
  if (kind && !broker) throw new Error(`${kind} is not installed`);
  const server = new Side('server', id);
  const client = new Side('client', id);
  const stop = async () => {
    await Promise.all([server.stop(), client.stop()]);
    await broker?.stop();
  };
  try {
    const { name } = await server.ready;
    await client.ready;
    const { address } = await server.ask('serve', { nodes, broker: broker?.port });
    await client.ask('call', { address, broker: broker?.port });
    return { name, noEvents, server, client, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
