import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryNetwork } from '../../../lib/mesh/memory-network.js';
import { createMemoryTransport } from '../../../lib/mesh/memory-transport.js';
import { PeerMesh } from '../../../lib/mesh/peer-mesh.js';
import { settings } from '../../support/peerage-settings.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const HOST = '10.0.0.1';

let clock: VirtualClock;
let network: MemoryNetwork;
let mesh: PeerMesh;
let startedAtMs: number | undefined;

beforeEach(async () => {
  clock = new VirtualClock();
  network = new MemoryNetwork(clock);
  startedAtMs = undefined;
  const options = settings({
    appName: 'app',
    host: HOST,
    bind: HOST,
    port: 4370,
    secret: 'long enough for this',
  });
  mesh = new PeerMesh(options, {
    transport: createMemoryTransport(network, { host: HOST, port: 4370, limits: options.limits }),
    clock,
    startProber: () => {
      startedAtMs = clock.now();
      return { notes: [], probe: () => {}, close: async () => {} };
    },
  });
  await mesh.start();
});

afterEach(() => mesh.stop());

it('a prober starts a quarter of a second after its node', async () => {
  await clock.advanceAsync(249);
  expect(startedAtMs).toBeUndefined();
  await clock.advanceAsync(1);
  expect(startedAtMs).toBe(250);
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

it('a prober waits no longer than two seconds, since a node whose loop is blocked looks dead after four', async () => {
  for (let i = 2; i < 5; i++) {
    dialInVain(`10.0.0.${i}`);
    await clock.advanceAsync(1_000);
  }
  expect(startedAtMs).toBeGreaterThan(1_900);
  expect(startedAtMs).toBeLessThanOrEqual(2_000 + 100);
});
