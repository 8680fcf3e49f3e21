import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryNetwork } from '../../../lib/testing/network/memory-network.js';
import { createMemoryTransport } from '../../../lib/testing/network/memory-transport.js';
import { PeerMesh } from '../../../lib/mesh/peer-mesh.js';
import type { Prober, ProberOptions } from '../../../lib/mesh/probes/prober.js';
import { settings } from '../../support/peerage-settings.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const HOST = '10.0.0.1';
const silent: Prober = { notes: [], open: async () => {}, probe: () => {}, close: async () => {} };

let clock: VirtualClock;
let network: MemoryNetwork;
let meshes: PeerMesh[];

beforeEach(() => {
  clock = new VirtualClock();
  network = new MemoryNetwork(clock);
  meshes = [];
});

afterEach(async () => {
  const stopped = Promise.all(meshes.map((each) => each.stop()));
  await clock.advanceAsync(5_000);
  await stopped;
});

function meshAt(host: string, startProber: (options: ProberOptions) => Prober = () => silent): PeerMesh {
  const secret = 'long enough for this';
  const options = settings({ appName: 'app', host, bind: host, port: 4370, secret });
  const transport = createMemoryTransport(network, { host, port: 4370, limits: options.limits });
  const mesh = new PeerMesh(options, { transport, clock, startProber });
  meshes.push(mesh);
  return mesh;
}

/** A prober that opens its port after so long. */
const slow =
  (ms: number, opened: () => void = () => {}) =>
  ({ answering }: ProberOptions): Prober => ({
    ...silent,
    open: () =>
      new Promise((resolve) =>
        clock.after(ms, () => {
          answering(true);
          opened();
          resolve();
        }),
      ),
  });

it('a prober starts before its node listens, once', async () => {
  let starts = 0;
  const mesh = meshAt(HOST, () => ((starts += 1), silent));
  mesh.prepare();
  mesh.prepare();
  expect(starts).toBe(1);
  expect(network.listenerAt(`${HOST}:4370`)).toBeUndefined();
  await mesh.start();
  expect(starts).toBe(1);
});

it('nobody is called a peer before its probes are answered, and who calls early waits', async () => {
  let peersAtOpen = -1;
  const caller = meshAt('10.0.0.2');
  const mesh = meshAt(
    HOST,
    slow(400, () => (peersAtOpen = mesh.peers.length + caller.peers.length)),
  );
  await caller.start();
  const starting = mesh.start();
  await clock.advanceAsync(10);
  const connected = caller.connect(`app@${HOST}`);
  await clock.advanceAsync(380);
  expect(caller.peers).toEqual([]);
  await clock.advanceAsync(100);
  await starting;
  expect((await connected).name).toBe(`app@${HOST}`);
  expect(peersAtOpen).toBe(0);
  expect(mesh.peers.length).toBe(1);
});

it('a node waits no longer than a second for its prober', async () => {
  const mesh = meshAt(HOST, slow(60_000));
  let isStarted = false;
  void mesh.start().then(() => (isStarted = true));
  await clock.advanceAsync(999);
  expect(isStarted).toBe(false);
  await clock.advanceAsync(1);
  expect(isStarted).toBe(true);
});

it('a node that is stopped while its prober opens starts no more', async () => {
  const mesh = meshAt(HOST, slow(400));
  const starting = mesh.start();
  await clock.advanceAsync(100);
  const stopping = mesh.stop();
  await clock.advanceAsync(5_000);
  await Promise.all([starting, stopping]);
  await expect(mesh.connect('app@10.0.0.2')).rejects.toMatchObject({ code: 'NOT_RUNNING' });
});
