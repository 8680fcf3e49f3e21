import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryNetwork } from '../../../lib/testing/network/memory-network.js';
import { createMemoryTransport } from '../../../lib/testing/network/memory-transport.js';
import { PeerMesh } from '../../../lib/mesh/peer-mesh.js';
import { settings } from '../../support/peerage-settings.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const HOST = '10.0.0.1';

let clock: VirtualClock;
let network: MemoryNetwork;
let meshes: PeerMesh[];
let startedAtMs: number | undefined;

/** A node that is started. */
async function meshAt(host: string, proberStarts: () => void = () => {}): Promise<PeerMesh> {
  const secret = 'long enough for this';
  const options = settings({ appName: 'app', host, bind: host, port: 4370, secret });
  const mesh = new PeerMesh(options, {
    transport: createMemoryTransport(network, { host, port: 4370, limits: options.limits }),
    clock,
    startProber: () => {
      proberStarts();
      return { notes: [], probe: () => {}, close: async () => {} };
    },
  });
  meshes.push(mesh);
  await mesh.start();
  return mesh;
}

let mesh: PeerMesh;
beforeEach(async () => {
  clock = new VirtualClock();
  network = new MemoryNetwork(clock);
  meshes = [];
  startedAtMs = undefined;
  mesh = await meshAt(HOST, () => (startedAtMs = clock.now()));
});

afterEach(async () => {
  const stopped = Promise.all(meshes.map((each) => each.stop()));
  await clock.advanceAsync(5_000);
  await stopped;
});

it('a prober starts soon after its node', async () => {
  await clock.advanceAsync(149);
  expect(startedAtMs).toBeUndefined();
  await clock.advanceAsync(1);
  expect(startedAtMs).toBe(150);
});

/** A dial that hangs until the cut is healed, or for two seconds. */
function dialInVain(host: string): void {
  network.cut(`${HOST}:4370`, `${host}:4370`);
  void mesh.found([`app@${host}`], { provider: host, as: 'answer' });
}

it('a prober waits until the first dials are over', async () => {
  dialInVain('10.0.0.2');
  await clock.advanceAsync(1_000);
  expect(startedAtMs).toBeUndefined();
  network.heal();
  await clock.advanceAsync(200);
  expect(startedAtMs).toBeDefined();
});

it('a prober waits while peers come', async () => {
  for (let i = 2; i < 6; i++) {
    await clock.advanceAsync(100);
    const peer = await meshAt(`10.0.0.${i}`);
    void peer.found([`app@${HOST}`], { provider: 'list', as: 'answer' });
  }
  await clock.advanceAsync(100);
  expect(mesh.peers.length).toBe(4);
  expect(startedAtMs).toBeUndefined();
  await clock.advanceAsync(200);
  expect(startedAtMs).toBe(600);
});

it('a prober waits no longer than two seconds, since a node whose loop is blocked looks dead after four', async () => {
  for (let i = 2; i < 5; i++) {
    dialInVain(`10.0.0.${i}`);
    await clock.advanceAsync(1_000);
  }
  expect(startedAtMs).toBeGreaterThan(1_900);
  expect(startedAtMs).toBeLessThanOrEqual(2_000 + 150);
});
