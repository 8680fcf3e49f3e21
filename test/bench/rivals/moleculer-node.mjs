/**
 * `node moleculer-node.mjs <own id> <id=host>...`: one moleculer node with the TCP transporter as it comes. Prints
 * a line of JSON for each node that connects or disconnects; `block <ms>` on standard input blocks its loop.
 */
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import moleculer from 'moleculer';

const PORT = 4400;
const [self, ...nodes] = process.argv.slice(2);
const urls = nodes.map((node) => node.split('=')).map(([id, host]) => `${host}:${PORT}/${id}`);

const now = () => performance.timeOrigin + performance.now();
const print = (type, of) => process.stdout.write(`${JSON.stringify({ type, of, at: now() })}\n`);

const broker = new moleculer.ServiceBroker({
  nodeID: self,
  logger: false,
  // The list stands in for multicast: who is found how is not what is measured.
  transporter: { type: 'TCP', options: { urls, udpDiscovery: false } },
});
broker.createService({
  name: `watch-${self}`,
  events: {
    // It reads the names of parameters: one that is called `ctx` gets the context.
    '$node.connected': (ctx) => print('up', ctx.params.node.id),
    '$node.disconnected': (ctx) => print('down', ctx.params.node.id),
  },
});

createInterface({ input: process.stdin }).on('line', (line) => {
  const untilMs = performance.now() + Number(line.replace('block ', ''));
  while (performance.now() < untilMs);
});

await broker.start();
