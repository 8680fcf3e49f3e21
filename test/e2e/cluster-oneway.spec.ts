import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/time/clock.js';
import { createTcpTransport } from '../../lib/mesh/transport/tcp/tcp-transport.js';
import { freePorts } from '../support/processes/cluster.js';
import { MeshWorld, type TestNode } from '../support/mesh/mesh-world.js';
import { TcpProxy } from '../support/mesh/tcp-proxy.js';

const OLD = 'the old secret of this cluster';
const NEW = 'the new secret of this cluster';

let world: MeshWorld;
let proxies: TcpProxy[];
beforeEach(() => {
  proxies = [];
  world = new MeshWorld({
    clock: systemClock,
    freePort: async () => (await freePorts(1))[0]!,
    transport: createTcpTransport,
    alias: () => 'localhost',
    crash: (_port, transport) => transport.close(),
    silence: async () => async () => undefined,
    pass: (ms) => sleep(ms),
  });
});
afterEach(async () => {
  await world.stop();
  for (const proxy of proxies) await proxy.close();
});

/** A node that others dial through a path of its own, which can be broken. */
async function startBehindProxy(secret?: string[]): Promise<TestNode> {
  const [outside, inside] = await freePorts(2);
  proxies.push(await TcpProxy.open(outside!, inside!));
  return world.start({ name: `app@127.0.0.1:${outside}`, port: inside!, ...(secret && { secret }) });
}

/** A node that nobody can dial. */
const startOutOfReach = async () => world.start({ name: `app@127.0.0.1:${await world.ground.freePort()}` });

const arePeers = (a: TestNode, b: TestNode) =>
  [a, b].every(({ mesh }) => mesh.peers.length === 1 && mesh.peers[0]!.status === 'up');

const told = (node: TestNode) => node.events.map(({ type }) => type);

const taken = () => proxies.reduce((sum, proxy) => sum + proxy.taken, 0);

/** Breaks the connection between two peers again and again; each time it comes back. */
async function resetOften(a: TestNode, b: TestNode, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await world.until(() => a.links() === 1 && b.links() === 1);
    const before = taken();
    expect(proxies.reduce((sum, proxy) => sum + proxy.reset(), 0)).toBeGreaterThan(0);
    await world.until(() => taken() > before);
    await sleep(100);
  }
  await world.until(() => a.links() === 1 && b.links() === 1);
}

describe('a pair of which one can dial the other, and not the other way round', () => {
  it('tells nobody when its connection is reset, twenty times', async () => {
    const a = await startOutOfReach();
    const b = await startBehindProxy();
    await a.mesh.connect(b.name);
    await world.until(() => arePeers(a, b));
    // Calling back has failed by then.
    await sleep(600);
    await resetOften(a, b, 20);
    expect([told(a), told(b)]).toEqual([['peer.up'], ['peer.up']]);
  });

  it('tells at once when the one that can be dialled is gone', async () => {
    const a = await startOutOfReach();
    const b = await world.start();
    await a.mesh.connect(b.name);
    await world.until(() => arePeers(a, b));
    await world.crash(b);
    await world.until(() => told(a).includes('peer.down'), 1_000);
  });

  it('tells in time when the one that cannot be dialled is gone', async () => {
    const a = await startOutOfReach();
    const b = await world.start();
    await a.mesh.connect(b.name);
    await world.until(() => arePeers(a, b));
    await world.crash(a);
    // Nobody answers probes here, so the deadline is twice the usual one.
    await world.until(() => told(b).includes('peer.down'), 12_000);
    expect(b.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
  });
});

describe('a pair whose secrets are out of step', () => {
  const pairs = [
    { a: [OLD], b: [NEW, OLD] },
    { a: [NEW, OLD], b: [OLD] },
    { a: [OLD, NEW], b: [NEW, OLD] },
    { a: [OLD, NEW], b: [NEW] },
  ];

  it.each(pairs)('connects whoever dials, and a reset is no news: $a and $b', async ({ a, b }) => {
    const one = await startBehindProxy(a);
    const two = await startBehindProxy(b);
    await one.mesh.connect(two.name);
    await world.until(() => arePeers(one, two));
    await sleep(600);
    await resetOften(one, two, 3);
    const downs = [one, two].flatMap((node) => told(node).filter((type) => type === 'peer.down'));
    expect(downs).toEqual([]);
  });

  it('stays apart when no secret is known to both', async () => {
    const one = await world.start({ secret: [OLD] });
    const two = await world.start({ secret: [NEW, 'yet another secret, long enough'] });
    await expect(two.mesh.connect(one.name)).rejects.toMatchObject({ code: 'WRONG_SECRET' });
  });
});
