import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Cluster,
  type ClusterNode,
  freePorts,
  fullMesh,
  openOnLoopback,
} from '../support/processes/cluster.js';
import { freeUdpPort, GROUP, Stranger } from '../support/providers/udp.js';
import { Flood } from '../support/providers/udp-flood.js';

/** Far above what a flood costs (15 and 3 ms, seen), because other programs may take the processor. */
const MAX_DELAY_MS = 1_000;
const MEAN_DELAY_MS = 50;
const HEAP_BYTES = 12 * 1024 * 1024;
/** The bound on names from strangers. */
const HINTED_NAMES = 1_024;

const cluster = new Cluster();
const strangers: Stranger[] = [];
const floods: Flood[] = [];
let udpPort: number;

beforeEach(async () => {
  udpPort = await freeUdpPort();
});
afterEach(async () => {
  await Promise.all(floods.splice(0).map((each) => each.stop()));
  for (const each of strangers.splice(0)) each.leave();
  await cluster.stop();
});

async function config(more = {}) {
  const [port = 0] = await freePorts(1);
  return openOnLoopback(port, {
    via: [{ udp: { port: udpPort, multicastAddr: GROUP, ip: '127.0.0.1' } }],
    ...more,
  });
}

const start = async () => cluster.start(await config(), { nodeArgs: ['--expose-gc'] });

async function stranger(): Promise<Stranger> {
  const joined = await Stranger.join(udpPort);
  strangers.push(joined);
  return joined;
}

function flood(...args: ConstructorParameters<typeof Flood>): Flood {
  const started = new Flood(...args);
  floods.push(started);
  return started;
}

/** A new node, loaded, that listens when it is told to. */
async function newcomer(): Promise<ClusterNode> {
  const node = cluster.launch(await config({ held: true }));
  await node.message(({ type }) => type === 'held');
  return node;
}

/** A forged name; nobody listens there, so that dialling it costs the node something. */
const forged = (i: number) => `Peer:forged${i}@127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}:9`;

describe('two nodes on one host and one UDP port', () => {
  it('are peers soon after the second one listens', async () => {
    const first = await start();
    const joins: number[] = [];
    for (let round = 0; round < 7; round++) {
      const second = await newcomer();
      const from = first.events.length;
      await second.run('start');
      await second.started();
      const ups = await Promise.all([first.event('peer.up', undefined, { from }), second.event('peer.up')]);
      const told = await second.message(({ type }) => type === 'told');
      joins.push(Math.max(...ups.map(({ atMs }) => atMs)) - told.at);
      await second.terminate();
      await first.event('peer.down', undefined, { from });
    }
    const median = joins.toSorted((a, b) => a - b)[3]!;
    console.log(`Joining over UDP took ${median.toFixed(0)} ms in the median of 7.`);
    expect(median).toBeLessThan(1_000);
  });

  it('do so while datagrams come before their first announcement', async () => {
    const outsider = await stranger();
    const storm = flood(outsider, (i) => `Peer:early@127.0.0.1:${1 + (i % 9)}`, 1e9, 500);
    const nodes = [await start(), await start()];
    await fullMesh(nodes);
    expect(await storm.stop()).toBeGreaterThan(100);
    for (const node of nodes) expect(node.ofType('provider.failed')).toEqual([]);
  });
});

describe('datagrams of strangers', () => {
  let nodes: ClusterNode[];
  beforeEach(async () => {
    nodes = [await start(), await start()];
    await fullMesh(nodes);
    for (const node of nodes) await node.run('load');
  });

  /** The nodes have gone on as if nothing had been. */
  async function expectCalm(heapBefore: number): Promise<void> {
    const load = await nodes[0]!.run('load');
    expect(load.maxDelayMs).toBeLessThan(MAX_DELAY_MS);
    expect(load.meanDelayMs).toBeLessThan(MEAN_DELAY_MS);
    expect(load.heapBytes - heapBefore).toBeLessThan(HEAP_BYTES);
    expect((await nodes[0]!.run('explain')).names.length).toBeLessThanOrEqual(HINTED_NAMES + 2);
    for (const node of nodes) {
      expect(node.ofType('peer.down')).toEqual([]);
      expect(node.ofType('provider.failed')).toEqual([]);
      expect(await node.run('peers')).toHaveLength(1);
    }
  }

  it.each([10, 200, 1_000])('%i in a burst go unnoticed', async (count) => {
    const { heapBytes } = await nodes[0]!.run('load');
    const outsider = await stranger();
    await Promise.all(Array.from({ length: count }, (_, i) => outsider.send(forged(i))));
    await sleep(1_000);
    await expectCalm(heapBytes);
  });

  it('that are malformed are nothing at all', async () => {
    const before = nodes[0]!.log.length;
    const { heapBytes } = await nodes[0]!.run('load');
    const outsider = await stranger();
    const malformed: (string | Buffer)[] = [
      '',
      'Peer:',
      'Peer:noat',
      'Peer:a@b@c',
      'Peer:evil@127.0.0.1:1\nLOG forged line',
      'Peer:evil\r\n@127.0.0.1:1',
      'peer:evil@127.0.0.1:1',
      'Peer: evil@127.0.0.1:1',
      'Peer:evil@127.0.0.1:99999',
      `Peer:${'evil'.repeat(70)}@127.0.0.1:1`,
      `Peer:evil@${'e'.repeat(60_000)}`,
      Buffer.from([...Buffer.from('Peer:evil'), 0xff, 0xfe, 0xc0, ...Buffer.from('@127.0.0.1:1')]),
      Buffer.alloc(60_000, 0xff),
    ];
    for (let round = 0; round < 20; round++) for (const datagram of malformed) await outsider.send(datagram);
    await sleep(500);
    await expectCalm(heapBytes);
    expect((await nodes[0]!.run('explain')).names).toMatchObject([{ name: nodes[1]!.name }]);
    const said = nodes[0]!.log.slice(before).filter((line) => /evil|forged|WARN|ERROR/.test(line));
    expect(said).toEqual([]);
  });

  it('10,000 forged names at 3,000 a second keep nobody out and throw nobody out', async () => {
    const third = await newcomer();
    const { heapBytes } = await nodes[0]!.run('load');
    const outsider = await stranger();
    const storm = flood(outsider, forged, 10_000, 3_000);
    await sleep(1_000);
    await third.run('start');
    await third.started();
    await fullMesh([...nodes, third], 15_000);
    const joinedAfter =
      third.ofType('peer.up').at(-1)!.atMs - (await third.message(({ type }) => type === 'told')).at;
    console.log(
      `A new node joined ${joinedAfter.toFixed(0)} ms after it was told to, in the middle of the flood.`,
    );
    expect(await storm.sent).toBe(10_000);
    await sleep(500);
    const load = await nodes[0]!.run('load');
    console.log(
      `Delay of the event loop in it: ${load.meanDelayMs.toFixed(0)} ms in the mean, ${load.maxDelayMs.toFixed(0)} ms at most.`,
    );
    expect(load.maxDelayMs).toBeLessThan(MAX_DELAY_MS);
    expect(load.meanDelayMs).toBeLessThan(MEAN_DELAY_MS);
    expect(load.heapBytes - heapBytes).toBeLessThan(HEAP_BYTES);
    expect((await nodes[0]!.run('explain')).names.length).toBeLessThanOrEqual(HINTED_NAMES + 3);
    for (const node of [...nodes, third]) {
      expect(node.ofType('peer.down')).toEqual([]);
      expect(await node.run('peers')).toHaveLength(2);
    }
  });
});
