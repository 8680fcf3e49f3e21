/** One process of the benchmark: a server or a client of one contender, driven by messages of its parent. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { contenders } from './contenders.mjs';
import { runners } from './runners.mjs';

const [side, id] = process.argv.slice(2);
const subject = await contenders[id].load();
let events = 0;
const wanted = { count: Infinity, reached: () => {} };
const delay = monitorEventLoopDelay({ resolution: 1 });
let cpu;
let caller;
let server;

const commands = {
  async serve(options) {
    server = await subject.serve({ ...options, onEvent });
    return { address: server.address };
  },
  async call({ address, ...options }) {
    await caller?.close();
    caller = await subject.call(address, options);
  },
  /** Resolves when so many events have come. */
  async events({ count }) {
    if (events < count) {
      await new Promise((reached) => Object.assign(wanted, { count, reached }));
    }
    events = 0;
    wanted.count = Infinity;
  },
  async measure() {
    delay.reset();
    delay.enable();
    cpu = process.cpuUsage();
  },
  async measured() {
    delay.disable();
    const { user, system } = process.cpuUsage(cpu);
    return { cpuUs: user + system, delayP99Ms: delay.percentile(99) / 1e6 };
  },
  run: ({ runner, options }) => runners[runner](caller, options),
  async close() {
    await caller?.close();
    await server?.close();
  },
};

function onEvent() {
  if (++events >= wanted.count) wanted.reached();
}

process.on('message', async ({ command, options }) => {
  try {
    process.send({ result: await commands[command](options) });
  } catch (error) {
    process.send({ error: error?.stack ?? String(error) });
  }
});
process.on('disconnect', () => process.exit());
process.send({ result: { side, name: subject.name } });
