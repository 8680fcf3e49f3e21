import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Program } from '../processes/programs.js';
import { startSample } from '../processes/programs.js';

/** Starts one node of a sample, which is stopped after the test that calls this. */
export function startNode(sample: string, env: Readonly<Record<string, string | undefined>>): Program {
  const node = startSample(sample, { env: { ...cleared(), NO_COLOR: '1', ...env } });
  // Not by a hook of this module: files of tests may share it, and then only the first one would have the hook.
  onTestFinished(async () => void (await node.stop()));
  return node;
}

/** Waits until each of these nodes, and no other, is a peer of every other one. */
export async function expectCluster(nodes: readonly Program[]): Promise<void> {
  const others = nodes.length - 1;
  const count = `\\w{8}, ${others} ${others === 1 ? 'peer' : 'peers'} now`;
  await Promise.all(nodes.map((node) => node.line(new RegExp(`peer\\.up \\S+ ${count}`))));
}

/** The name by which a node introduced itself. */
export async function nameOf(node: Program): Promise<string> {
  const [, name = ''] = await node.line(/\[Peerage\] (\S+@\S+) listens on/);
  return name;
}

/** Ports of loopback that nobody listens on now, each another one. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(servers.map(listen));
  } finally {
    for (const server of servers) server.close();
  }
}

/** What this machine says of itself is not meant for the nodes of a test. */
function cleared(): Record<string, undefined> {
  const names = Object.keys(process.env).filter((name) => /^(PEERAGE_.*|POD_IP)$/.test(name));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}
