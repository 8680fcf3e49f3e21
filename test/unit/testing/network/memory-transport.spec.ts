import { systemClock } from '../../../../lib/time/clock.js';
import { MemoryNetwork } from '../../../../lib/testing/network/memory-network.js';
import { createMemoryTransport } from '../../../../lib/testing/network/memory-transport.js';
import { describeTransport } from '../../../support/mesh/transport-conformance.js';

const network = new MemoryNetwork(systemClock);

describeTransport('the transport in memory', () => ({
  hasSecrets: true,
  make: ({ port = 0, ...request }) => createMemoryTransport(network, { host: '127.0.0.1', port, ...request }),
}));
