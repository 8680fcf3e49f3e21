import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMANDS = {
  redis: (port, folder) => [
    'redis-server',
    ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', folder],
  ],
  nats: (port) => ['nats-server', ['-a', '127.0.0.1', '-p', port]],
};

/** A broker on a free port. Undefined when it is not installed. */
export async function startBroker(kind) {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-bench-'));
  const port = await freePort();
  const [command, args] = COMMANDS[kind](String(port), folder);
  if (spawnSync(command, ['--version']).error) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const child = spawn(command, args, { stdio: 'ignore' });
  await listens(port);
  return {
    port,
    async stop() {
      child.kill();
      await once(child, 'exit');
      rmSync(folder, { recursive: true });
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function listens(port) {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`Nothing listens on ${port}.`);
}
