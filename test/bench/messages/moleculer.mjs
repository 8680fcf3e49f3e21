import { createRequire } from 'node:module';

export const name = 'moleculer 0.14, TCP';

/** @throws when `npm ci` was not run in test/bench/rivals */
function loadBroker() {
  return createRequire(new URL('../rivals/package.json', import.meta.url))('moleculer').ServiceBroker;
}

export async function serve({ onEvent, nodes = 1 }) {
  const brokers = [];
  for (let i = 0; i < nodes; i++) {
    const broker = await startBroker(`server-${process.pid}-${i}`, []);
    broker.createService({
      name: 'price',
      actions: { get: ({ params }) => params },
      events: { 'price.changed': () => onEvent() },
    });
    brokers.push(broker);
  }
  const address = brokers.map((broker) => `127.0.0.1:${broker.transit.tx.opts.port}/${broker.nodeID}`);
  return { address, close: () => Promise.all(brokers.map((broker) => broker.stop())) };
}

export async function call(address) {
  const broker = await startBroker(`client-${process.pid}`, address);
  await broker.waitForServices('price');
  for (let known = 0; known < address.length; known = countOf(broker))
    await new Promise((next) => setTimeout(next, 50));
  return {
    request: (data) => broker.call('price.get', data),
    event: (data) => broker.emit('price.changed', data),
    broadcast: (data) => broker.broadcast('price.changed', data),
    close: () => broker.stop(),
  };
}

function countOf(broker) {
  return broker.registry
    .getServiceList({ onlyAvailable: true })
    .filter(({ name: service }) => service === 'price').length;
}

async function startBroker(nodeID, urls) {
  const ServiceBroker = loadBroker();
  const transporter = {
    type: 'TCP',
    options: { udpDiscovery: false, urls: urls.map((url) => `tcp://${url}`) },
  };
  const broker = new ServiceBroker({ nodeID, transporter, logger: false });
  await broker.start();
  return broker;
}
