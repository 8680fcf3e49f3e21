import { parseArgs } from 'node:util';
import { SimCluster } from './sim-cluster.js';

const HOUR_MS = 3_600_000;

const { values } = parseArgs({
  options: {
    loss: { type: 'string', default: '0.3' },
    nodes: { type: 'string', default: '3' },
    hours: { type: 'string', default: '168' },
    seeds: { type: 'string', default: '1' },
    first: { type: 'string', default: '1' },
  },
});
const loss = Number(values.loss);
const first = Number(values.first);

for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const cluster = new SimCluster(Number(values.nodes), seed);
  cluster.world.keepsTimeline = false;
  cluster.world.conditions = { ...cluster.world.conditions, loss };
  let told = 0;
  for (let hour = 0; hour < Number(values.hours); hour++) {
    cluster.run(HOUR_MS);
    const events = cluster.events('peer.down', 'peer.up');
    told += events.length;
    for (const { node, event, atMs } of events) console.log(node.name, atMs, JSON.stringify(event));
    cluster.forgetEvents();
  }
  console.log(
    `${values.nodes} nodes, ${loss * 100} % lost each way, seed ${seed}: ${told} peers came or went in ${values.hours} hours.`,
  );
  if (told > 0) process.exitCode = 1;
}
