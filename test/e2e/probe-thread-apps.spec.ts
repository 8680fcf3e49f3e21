import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bundleNode } from '../support/processes/bundle.js';
import {
  Cluster,
  freePorts,
  fullMesh,
  nameOn,
  type NodeOptions,
  onLoopback,
  probesAnswered,
} from '../support/processes/cluster.js';

const BLOCK_MS = 7_000;

const PATIENCE = { timeout: 20_000, interval: 50 };

const folder = mkdtempSync(join(tmpdir(), 'peerage-thread-'));
const cluster = new Cluster();
afterEach(() => cluster.stop());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two nodes, the second of which is run in this way. */
async function pair(options: NodeOptions) {
  const ports = await freePorts(2);
  const via = [{ list: ports.map((port) => nameOn(port)) }];
  const observer = await cluster.start(onLoopback(ports[0]!, { via }));
  const node = await cluster.start(onLoopback(ports[1]!, { via }), options);
  await fullMesh([observer, node]);
  return { observer, node };
}

/** The second node answers probes while its loop is blocked, and nothing is to be said about that. */
async function expectToAnswer(options: NodeOptions): Promise<void> {
  const { observer, node } = await pair(options);
  await probesAnswered(observer, node);
  expect((await node.run('explain')).notes).toEqual([]);
  const blocked = node.run('block', BLOCK_MS);
  await observer.event('peer.degraded');
  await blocked;
  await observer.event('peer.recovered');
  expect(observer.ofType('peer.down')).toEqual([]);
}

/** A file that is loaded before the app, in every thread that takes the options of Node. */
function preload(name: string, inSecondThread: string): string {
  const file = join(folder, `${name}.cjs`);
  writeFileSync(file, `if (!require('node:worker_threads').isMainThread) { ${inSecondThread} }`);
  return file;
}

describe('the thread that answers probes', () => {
  it.each([
    ['exits', 'process.exit(1);'],
    ['throws', 'throw new Error("only one thread, please");'],
    ['listens', 'require("node:net").createServer().listen(1);'],
  ])('runs without a preload that %s in a second thread', async (name, code) => {
    await expectToAnswer({ env: { NODE_OPTIONS: `--require ${preload(name, code)}` } });
  });

  describe('in an app that is one file', () => {
    let program: string;
    beforeAll(async () => {
      program = await bundleNode();
    });

    it('needs no file of its own', async () => {
      await expectToAnswer({ program });
    });
  });

  it('may be forbidden: the main loop answers, and the node says what that means', async () => {
    const flag = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const { observer, node } = await pair({ nodeArgs: [flag, '--allow-fs-read=*'] });
    await probesAnswered(observer, node);
    const { notes } = await node.run('explain');
    expect(notes).toEqual([expect.stringMatching(/thread that answers probes is not there.*restricted/)]);
  });
});

describe('a newcomer whose loop is blocked from its first moment in the cluster', () => {
  it('is degraded, and never down', async () => {
    const ports = await freePorts(4);
    const observers = await cluster.startList(ports.slice(0, 3));
    await fullMesh(observers);
    const list = ports.map((port) => nameOn(port));
    const newcomer = cluster.launch(onLoopback(ports[3]!, { via: [{ list }], blockAtFirstPeerMs: BLOCK_MS }));
    await newcomer.started();
    const seen = (type: 'peer.degraded' | 'peer.recovered') =>
      observers.filter((observer) =>
        observer.ofType(type).some(({ peer }) => peer.bootId === newcomer.bootId),
      );
    // Whoever was connected with it before the block suspects it; the others connect when the block has ended.
    await vi.waitFor(() => expect(seen('peer.degraded')).not.toEqual([]), PATIENCE);
    await vi.waitFor(() => expect(seen('peer.recovered')).toEqual(seen('peer.degraded')), PATIENCE);
    await fullMesh([...observers, newcomer], 60_000);
    for (const observer of observers) expect(observer.ofType('peer.down')).toEqual([]);
  });
});
