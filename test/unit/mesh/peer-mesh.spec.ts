import { MemoryNetwork } from '../../../lib/testing/network/memory-network.js';
import { createMemoryTransport } from '../../../lib/testing/network/memory-transport.js';
import { describeMesh } from '../../support/mesh/mesh-conformance.js';
import type { MeshGround } from '../../support/mesh/mesh-world.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const LATENCY_MS = 1;

describeMesh('a mesh in memory', (): MeshGround => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock, LATENCY_MS);
  return {
    clock,
    freePort: async () => network.freePort(),
    transport: ({ host, port, cluster, limits }) =>
      createMemoryTransport(network, { host, port, cluster, limits, portIsFixed: true }),
    alias: (port) => {
      const listener = network.listenerAt(`127.0.0.1:${port}`);
      network.register(`alias:${port}`, listener!);
      return 'alias';
    },
    crash: async (port) => network.crash(`127.0.0.1:${port}`),
    silence: async (port) => {
      network.register(`127.0.0.1:${port}`, { judge: () => undefined, accept: () => undefined });
      return async () => undefined;
    },
    pass: (ms) => clock.advanceAsync(ms),
  };
});
