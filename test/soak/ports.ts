import { once } from 'node:events';
import { createServer } from 'node:net';

/** No system gives these to outgoing connections, so that a port is still free when its process comes back. */
const FIRST = 20_000;
const LAST = 31_999;

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function lastingPorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST + 1 - FIRST));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
