import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Cluster,
  type ClusterNode,
  connectionsBetween,
  freePorts,
  fullMesh,
  nameOn,
  onLoopback,
} from '../support/processes/cluster.js';

const cluster = new Cluster();
afterEach(() => cluster.stop());

/** `count` nodes that know each other. */
async function meshOf(count: number): Promise<ClusterNode[]> {
  const nodes = await cluster.startList(await freePorts(count));
  await fullMesh(nodes);
  return nodes;
}

describe('nodes that start at the same time', () => {
  it.each([5, 10])('%i of them become a full mesh with one connection per pair', async (count) => {
    const nodes = await meshOf(count);
    const pairs = (count * (count - 1)) / 2;
    await expect
      .poll(() => [...connectionsBetween(nodes).values()], { timeout: 5_000 })
      .toEqual(Array.from({ length: pairs }, () => 1));
    // Nothing flaps afterwards.
    await sleep(1_500);
    expect(nodes.flatMap((node) => node.ofType('peer.down'))).toEqual([]);
    expect(nodes.flatMap((node) => node.ofType('peer.refused'))).toEqual([]);
    for (const node of nodes) expect(node.ofType('peer.up')).toHaveLength(count - 1);
    expect([...connectionsBetween(nodes).values()]).toEqual(Array.from({ length: pairs }, () => 1));
  });
});

describe('a node that ends', () => {
  it('by kill -9 is down, reason closed, at every other one', async () => {
    const [victim, ...others] = await meshOf(4);
    // A refusal proves an end when the port was open before: who was called only tries that half a second later.
    await sleep(1_500);
    await victim!.kill();
    for (const other of others) {
      const down = await other.event('peer.down');
      expect(down).toMatchObject({ reason: 'closed', peer: { bootId: victim!.bootId } });
      expect(down.evidence.redial).toMatchObject({ code: 'CONNECTION_REFUSED' });
    }
    await sleep(500);
    for (const other of others) expect(other.ofType('peer.down')).toHaveLength(1);
  });

  it('by SIGTERM says goodbye: down, reason left, and nobody dials it', async () => {
    const [leaver, ...others] = await meshOf(4);
    expect(await leaver!.terminate()).toMatchObject({ signal: 'SIGTERM' });
    for (const other of others) {
      const down = await other.event('peer.down');
      expect(down).toMatchObject({ reason: 'left', peer: { bootId: leaver!.bootId } });
      expect(down.evidence.redial).toBeUndefined();
    }
  });

  it('leaves no handle open', async () => {
    const [leaver, other] = await meshOf(2);
    await leaver!.run('close');
    expect(await leaver!.program.ended).toEqual({ code: 0, signal: null });
    expect((await other!.event('peer.down')).reason).toBe('left');
  });
});

describe('a node that is restarted on its port', () => {
  const ROUNDS = 10;

  it.each(['kill', 'terminate'] as const)(
    `after a %s is down once and up once, in each of ${ROUNDS} rounds`,
    async (end) => {
      const [port = 0, otherPort = 0] = await freePorts(2);
      const names = [{ list: [nameOn(port), nameOn(otherPort)] }];
      const restarted = onLoopback(port, { via: names, quiet: true });
      const observer = await cluster.start(onLoopback(otherPort, { via: names }));
      let node = await cluster.start(restarted);
      await observer.event('peer.up', ({ peer }) => peer.bootId === node.bootId);
      for (let round = 0; round < ROUNDS; round++) {
        const from = observer.events.length;
        const before = node.bootId;
        // The next process is loaded already, so that it takes the port at once.
        const next = cluster.launch({ ...restarted, held: true });
        await next.message(({ type }) => type === 'held');
        await node[end]();
        await next.run('start');
        node = await next.started();
        await observer.event('peer.up', ({ peer }) => peer.bootId === node.bootId, { from });
        await sleep(50);
        const changes = observer.events.slice(from).filter(({ type }) => /^peer\.(up|down)$/.test(type));
        expect(changes).toMatchObject([
          { type: 'peer.down', peer: { bootId: before } },
          { type: 'peer.up', peer: { bootId: node.bootId } },
        ]);
      }
      await expect.poll(() => [...connectionsBetween([observer, node]).values()]).toEqual([1]);
    },
    120_000,
  );
});

describe('a node that stands still', () => {
  it('for a second stays a peer', async () => {
    const [still, ...others] = await meshOf(3);
    still!.signal('SIGSTOP');
    await sleep(1_000);
    still!.signal('SIGCONT');
    await sleep(1_500);
    for (const node of [still!, ...others]) expect(node.ofType('peer.down')).toEqual([]);
  });

  it('for long is down, reason timeout, and comes back by itself', async () => {
    const heartbeat = { intervalMs: 200, suspectMs: 500, downMs: 1_000 };
    const nodes = await cluster.startList(await freePorts(3), { heartbeat });
    await fullMesh(nodes);
    const [still, ...others] = nodes;
    still!.signal('SIGSTOP');
    for (const other of others) {
      const down = await other.event('peer.down');
      expect(down).toMatchObject({ reason: 'timeout', peer: { bootId: still!.bootId } });
      expect(down.evidence.silentMs).toBeGreaterThanOrEqual(1_000);
    }
    still!.signal('SIGCONT');
    await fullMesh(nodes);
  });
});
