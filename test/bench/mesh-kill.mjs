import { NodeProcess, freePorts } from './node-process.mjs';
import { SECRET, endingAll } from './mesh-start.mjs';
import { row } from './numbers.mjs';

const ROUNDS = 10;
const NODES = 5;

/** From SIGKILL of one of five nodes to `peer.down` at each of the others. */
export async function kills() {
  const samples = [];
  const [next, ...ports] = await freePorts(NODES + 1);
  const list = [next, ...ports].map((port) => `app@127.0.0.1:${port}`);
  const start = (port) =>
    new NodeProcess({
      appName: 'app',
      secret: SECRET,
      bind: '127.0.0.1',
      port,
      via: [{ list }],
      tellAtPeers: NODES - 1,
    });
  const nodes = ports.map(start);
  return endingAll(nodes, async () => {
    await Promise.all(nodes.map((node) => node.held()));
    for (const node of nodes) node.tell('start');
    await Promise.all(nodes.map((node) => node.full()));
    let free = next;
    for (let round = 0; round < ROUNDS; round++) {
      const victim = nodes.shift();
      const newcomer = start(free);
      nodes.push(newcomer);
      await newcomer.held();
      await quiet();
      samples.push(...(await killOnce(victim, nodes.slice(0, -1))));
      newcomer.tell('start');
      await newcomer.full();
      free = ports.shift();
      ports.push(free);
    }
    return [
      row(`kill -9 to peer.down, ${NODES - 1} observers x ${ROUNDS} rounds: median`, samples, {
        target: '20 ms',
      }),
      {
        ...row('kill -9 to peer.down: worst', [Math.max(...samples)], { target: '500 ms' }),
        runs: samples.length,
      },
    ];
  });
}

async function killOnce(victim, observers) {
  const from = observers.map(({ messages }) => messages.length);
  const killedAt = await victim.kill();
  return Promise.all(
    observers.map(async (observer, i) => {
      const down = await observer.message(({ event }) => event?.type === 'peer.down', from[i]);
      return down.at - killedAt;
    }),
  );
}

/** What the last round and the newcomer's start stirred up is over. */
function quiet() {
  return new Promise((resolve) => setTimeout(resolve, 500));
}
