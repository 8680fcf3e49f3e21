import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../lib/time/clock.js';
import { createTcpTransport } from '../../lib/mesh/transport/tcp/tcp-transport.js';
import { freePorts } from '../support/processes/cluster.js';
import { describeMesh } from '../support/mesh/mesh-conformance.js';

describeMesh('a mesh over TCP', () => ({
  clock: systemClock,
  freePort: async () => (await freePorts(1))[0]!,
  transport: createTcpTransport,
  alias: () => 'localhost',
  // Closed without a goodbye, as the kernel does for a process that is gone.
  crash: (_port, transport) => transport.close(),
  silence: (port) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
    const end = () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      });
    return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(end)));
  },
  pass: (ms) => sleep(ms),
}));
