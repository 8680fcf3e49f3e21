import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryNetwork } from '../../../lib/testing/network/memory-network.js';
import { createMemoryTransport } from '../../../lib/testing/network/memory-transport.js';
import { MeshWorld } from '../../support/mesh/mesh-world.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const LATENCY_MS = 1;

let network: MemoryNetwork;
let world: MeshWorld;
beforeEach(() => {
  const clock = new VirtualClock();
  network = new MemoryNetwork(clock, LATENCY_MS);
  world = new MeshWorld({
    clock,
    freePort: async () => network.freePort(),
    transport: ({ host, port, cluster, limits }) =>
      createMemoryTransport(network, { host, port, cluster, limits }),
    alias: () => 'localhost',
    crash: async (port) => network.crash(`127.0.0.1:${port}`),
    silence: async () => async () => undefined,
    pass: (ms) => clock.advanceAsync(ms),
  });
});
afterEach(() => world.stop());

const forged = (i: number) => `forged@10.9.${i >> 8}.${i & 255}`;

describe('names that strangers tell', () => {
  it('fare somehow, every one of them, also those that had to go', async () => {
    const node = await world.start({ limits: { hintedNames: 16, dials: 4 } });
    const names = Array.from({ length: 200 }, (_, i) => forged(i));
    const found = names.map((name) => node.mesh.found([name], { provider: 'udp', as: 'hint' }));
    const results = await world.settled(Promise.all(found));
    expect(results.flat().map(({ name }) => name)).toEqual(names);
  });

  it('are kept within bounds, and for so long', async () => {
    const node = await world.start({ limits: { hintedNames: 16 } });
    for (let i = 0; i < 1_000; i++) void node.mesh.found([forged(i)], { provider: 'udp', as: 'hint' });
    await world.ground.pass(3_000);
    expect(node.mesh.explain().names.length).toBeLessThanOrEqual(16);
    await world.ground.pass(30_000);
    expect(node.mesh.explain().names).toEqual([]);
  });

  it('delay no node that a provider lists', async () => {
    const [a, b] = [await world.start(), await world.start()];
    // Dials that hang: nothing comes back from there.
    for (let i = 0; i < 1_000; i++) {
      network.cut(a.name.slice('app@'.length), `10.9.${i >> 8}.${i & 255}:4370`);
      void a.mesh.found([forged(i)], { provider: 'udp', as: 'hint' });
    }
    world.tell(a, b);
    await world.until(() => a.mesh.peers.length === 1, 100);
  });

  it('delay no node that is heard of later by much', async () => {
    const [a, b] = [await world.start(), await world.start()];
    for (let i = 0; i < 1_000; i++) void a.mesh.found([forged(i)], { provider: 'udp', as: 'hint' });
    void a.mesh.found([b.name], { provider: 'udp', as: 'hint' });
    await world.until(() => a.mesh.peers.length === 1, 200);
  });
});

describe('a node that was heard and is killed', () => {
  it('is forgotten when it is unheard for long enough', async () => {
    const [a, b] = await world.mesh(2);
    const { name } = b!;
    void a!.mesh.found([name], { provider: 'udp', as: 'hint' });
    await world.crash(b!);
    await world.until(() => a!.mesh.peers.length === 0);
    // A minute for a restart in place.
    await world.ground.pass(59_000);
    expect(a!.mesh.explain(name).names).toMatchObject([{ state: 'waiting' }]);
    await world.ground.pass(10_000);
    expect(a!.mesh.explain(name).names).toMatchObject([{ state: 'unknown' }]);
    expect(a!.mesh.explain().names).toEqual([]);
  });
});
