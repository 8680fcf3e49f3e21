import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerEvent } from '../../../lib/membership/events.js';
import { type MeshGround, MeshWorld, type TestNode } from './mesh-world.js';

type Of<T extends PeerEvent['type']> = Extract<PeerEvent, { type: T }>;

function ofType<T extends PeerEvent['type']>(node: TestNode, type: T): Of<T>[] {
  return node.events.filter((event): event is Of<T> => event.type === type);
}

function namesOf(node: TestNode): string[] {
  return node.mesh.peers.map(({ name }) => name);
}

/** What every mesh of direct connections does, whatever its transport. */
export function describeMesh(title: string, makeGround: () => MeshGround): void {
  describe(`${title} as a Mesh`, () => {
    let world: MeshWorld;
    beforeEach(() => {
      world = new MeshWorld(makeGround());
    });
    afterEach(async () => {
      const faults = world.faults();
      await world.stop();
      expect(faults).toEqual([]);
    });

    /** Time in which a mistake would show. */
    const aWhile = () => world.ground.pass(300);

    describe('finding', () => {
      it('makes peers of two nodes when one of them finds the other', async () => {
        const [a, b] = [await world.start({ meta: { zone: 'a' } }), await world.start()];
        const results = await world.settled(a.mesh.found([b.name], { provider: 'list', as: 'answer' }));
        expect(results).toEqual([{ name: b.name, result: 'connected', bootId: b.mesh.self.bootId }]);
        await world.until(() => a.mesh.peers.length + b.mesh.peers.length === 2);
        expect(a.mesh.peers).toMatchObject([{ ...b.mesh.self, status: 'up' }]);
        expect(b.mesh.peers).toMatchObject([{ ...a.mesh.self, status: 'up', meta: { zone: 'a' } }]);
        expect(b.mesh.peers[0]!.connectedAt).toBeInstanceOf(Date);
      });

      it('tells why a name is no peer', async () => {
        const node = await world.start();
        const name = `app@127.0.0.1:${await world.ground.freePort()}`;
        const [result] = await world.settled(node.mesh.found([name], { provider: 'list', as: 'answer' }));
        expect(result).toMatchObject({ name, result: 'failed', code: 'CONNECTION_REFUSED' });
        expect(node.mesh.explain(name).names).toMatchObject([
          {
            name,
            state: 'waiting',
            foundBy: ['list'],
            failures: 1,
            lastAttempt: { code: 'CONNECTION_REFUSED' },
          },
        ]);
        expect(ofType(node, 'peer.refused')).toEqual([]);
      });

      it('tries a name that refuses again and again', async () => {
        const node = await world.start();
        const port = await world.ground.freePort();
        void node.mesh.found([`app@127.0.0.1:${port}`], { provider: 'list', as: 'answer' });
        await aWhile();
        const late = await world.start({ port });
        await world.until(() => late.mesh.peers.length === 1 && node.mesh.peers.length === 1);
      });

      it('recognises its own name, and itself behind another name', async () => {
        const node = await world.start();
        const other = `app@${world.ground.alias(node.port)}:${node.port}`;
        const found = node.mesh.found([node.name, other], { provider: 'list', as: 'answer' });
        expect(await world.settled(found)).toEqual([
          { name: node.name, result: 'self' },
          { name: other, result: 'self' },
        ]);
        await aWhile();
        expect(node.events).toEqual([]);
        expect(node.links()).toBe(0);
        expect(node.mesh.explain(other).names).toMatchObject([{ state: 'self' }]);
        // It is remembered: nothing is dialled the second time.
        expect(await node.mesh.found([other], { provider: 'list', as: 'answer' })).toEqual([
          { name: other, result: 'self' },
        ]);
      });

      it('introduces a newcomer to everybody', async () => {
        const [a, b] = await world.mesh(2);
        const c = await world.start();
        world.tell(c, b!);
        await world.until(() => [a, b, c].every((node) => node!.mesh.peers.length === 2));
        expect(namesOf(c)).toEqual([a!.name, b!.name].toSorted());
        const foundBy = c.mesh.explain(a!.name).names[0]?.foundBy ?? [];
        expect([...foundBy, ...(a!.mesh.explain(c.name).names[0]?.foundBy ?? [])]).toContain('peers');
      });
    });

    describe('connections', () => {
      it('are one per pair, also when both dial at once', async () => {
        // Who has the lower boot id decides which one stays: chance, so many pairs.
        for (let round = 0; round < 15; round++) {
          const [a, b] = [await world.start(), await world.start()];
          world.tell(a, b);
          world.tell(b, a);
          await world.until(() => a.mesh.peers.length + b.mesh.peers.length === 2);
          await world.until(() => a.links() === 1 && b.links() === 1);
        }
        await aWhile();
        for (const node of world.nodes) {
          expect(node.links()).toBe(1);
          expect(node.events).toMatchObject([{ type: 'peer.up' }]);
        }
      });

      it('are one per pair among many who all dial each other', async () => {
        const nodes = await Promise.all(Array.from({ length: 7 }, () => world.start()));
        for (const node of nodes) world.tell(node, ...nodes);
        await world.until(() => nodes.every((node) => node.mesh.peers.length === 6 && node.links() === 6));
        await aWhile();
        expect(nodes.map((node) => node.events.length)).toEqual(nodes.map(() => 6));
      });

      it('measure the round trip', async () => {
        const [a] = await world.mesh(2, { heartbeat: { intervalMs: 50, suspectMs: 2_000, downMs: 4_000 } });
        await world.until(() => a!.mesh.peers[0]?.rttMs !== undefined);
        expect(a!.mesh.peers[0]!.rttMs).toBeGreaterThanOrEqual(0);
      });
    });

    describe('connect()', () => {
      it('gives the peer, new or old', async () => {
        const [a, b] = [await world.start(), await world.start()];
        const peer = await world.settled(a.mesh.connect(b.name));
        expect(peer).toMatchObject({ name: b.name, bootId: b.mesh.self.bootId, status: 'up' });
        expect(await world.settled(a.mesh.connect(b.name))).toMatchObject({ bootId: peer.bootId });
        expect(a.events).toHaveLength(1);
      });

      it('rejects with the code of the attempt', async () => {
        const node = await world.start();
        const nobody = `app@127.0.0.1:${await world.ground.freePort()}`;
        const failing = (name: string, code: string) =>
          expect(world.settled(node.mesh.connect(name))).rejects.toMatchObject({ code });
        await failing(nobody, 'CONNECTION_REFUSED');
        await failing(node.name, 'SELF');
        await failing('noat', 'INVALID_NAME');
        const stranger = await world.start({ cluster: 'other' });
        await failing(stranger.name, 'WRONG_CLUSTER');
      });

      it('rejects before the start and after the stop', async () => {
        const node = await world.make();
        await expect(node.mesh.connect('app@127.0.0.1')).rejects.toMatchObject({ code: 'NOT_RUNNING' });
        await node.mesh.start();
        await world.settled(node.mesh.stop());
        await expect(node.mesh.connect('app@127.0.0.1')).rejects.toMatchObject({ code: 'NOT_RUNNING' });
      });

      it('is past the backoff', async () => {
        const node = await world.start();
        const port = await world.ground.freePort();
        const name = `app@127.0.0.1:${port}`;
        for (let i = 0; i < 6; i++)
          await expect(world.settled(node.mesh.connect(name))).rejects.toMatchObject({
            code: 'CONNECTION_REFUSED',
          });
        await world.start({ port });
        const startMs = world.ground.clock.now();
        await world.settled(node.mesh.connect(name));
        // After six failures that would be 4 s at least.
        expect(world.ground.clock.now() - startMs).toBeLessThan(2_000);
      });
    });

    describe('an end', () => {
      it('by stop() is a goodbye', async () => {
        const [leaver, ...others] = await world.mesh(3);
        await world.settled(leaver!.mesh.stop());
        await world.until(() => others.every((node) => node.mesh.peers.length === 1));
        for (const node of others) {
          const [down, ...more] = ofType(node, 'peer.down');
          expect(down).toMatchObject({ reason: 'left', peer: { bootId: leaver!.mesh.self.bootId } });
          expect(more).toEqual([]);
        }
        // Who stops hears of no deaths: its peers live on.
        expect(ofType(leaver!, 'peer.down')).toEqual([]);
        leaver!.events.length = 0;
      });

      it('of the process is found out by dialling it again', async () => {
        const [victim, ...others] = await world.mesh(3);
        await world.crash(victim!);
        await world.until(() => others.every((node) => node.mesh.peers.length === 1));
        for (const node of others) {
          const [down] = ofType(node, 'peer.down');
          expect(down).toMatchObject({ reason: 'closed', peer: { bootId: victim!.mesh.self.bootId } });
          expect(down!.evidence).toMatchObject({ redial: { code: 'CONNECTION_REFUSED' } });
          expect(down!.evidence.closed).toMatch(/^(EOF|ECONNRESET)$/);
        }
      });

      it('and a new start at the same name is one down and one up', async () => {
        const [a, victim] = await world.mesh(2);
        await world.crash(victim!);
        const next = await world.start({ port: victim!.port });
        world.tell(next, a!);
        await world.until(() => a!.mesh.peers.some(({ bootId }) => bootId === next.mesh.self.bootId));
        expect(a!.events.map((event) => [event.type, (event as Of<'peer.up'>).peer.bootId])).toEqual([
          ['peer.up', victim!.mesh.self.bootId],
          ['peer.down', victim!.mesh.self.bootId],
          ['peer.up', next.mesh.self.bootId],
        ]);
        expect(['closed', 'replaced']).toContain(ofType(a!, 'peer.down')[0]!.reason);
      });

      it('is never reported by stop(), which may come at any time and twice', async () => {
        const node = await world.make();
        await world.settled(Promise.all([node.mesh.stop(), node.mesh.stop()]));
        const starting = await world.make();
        const started = starting.mesh.start();
        await world.settled(Promise.allSettled([starting.mesh.stop(), started]));
        expect(starting.mesh.peers).toEqual([]);
      });

      it('comes also while dials and handshakes are under way', async () => {
        const node = await world.start();
        const port = await world.ground.freePort();
        const endSilence = await world.ground.silence(port);
        try {
          const found = node.mesh.found([`app@127.0.0.1:${port}`], { provider: 'list', as: 'answer' });
          const connecting = node.mesh.connect(`app@127.0.0.1:${port}`);
          connecting.catch(() => {});
          await world.ground.pass(50);
          await world.settled(node.mesh.stop());
          expect(await world.settled(found)).toMatchObject([{ result: 'failed', code: 'ABORTED' }]);
          await expect(world.settled(connecting)).rejects.toMatchObject({ code: 'ABORTED' });
          expect(node.links()).toBe(0);
        } finally {
          await endSilence();
        }
      });
    });

    describe('disconnect()', () => {
      it('holds until connect(), at both ends', async () => {
        const [a, b] = await world.mesh(2);
        await a!.mesh.disconnect(b!.name);
        await world.until(() => b!.mesh.peers.length === 0);
        for (const node of [a, b])
          expect(ofType(node!, 'peer.down')).toMatchObject([{ reason: 'disconnected' }]);
        expect(a!.mesh.explain(b!.name).names).toMatchObject([{ state: 'disconnected' }]);
        // Whoever finds whom.
        const found = await world.settled(a!.mesh.found([b!.name], { provider: 'list', as: 'answer' }));
        expect(found).toEqual([{ name: b!.name, result: 'disconnected' }]);
        world.tell(b!, a!);
        await world.ground.pass(1_500);
        expect([...namesOf(a!), ...namesOf(b!)]).toEqual([]);
        await world.settled(a!.mesh.connect(b!.name));
        await world.until(() => b!.mesh.peers.length === 1);
      });

      it('is not undone by others who know the node', async () => {
        const [a, b, c] = await world.mesh(3);
        await a!.mesh.disconnect(b!.name);
        await world.until(() => b!.mesh.peers.length === 1);
        world.tell(c!, a!, b!);
        world.tell(a!, b!, c!);
        await world.ground.pass(1_500);
        expect([namesOf(a!), namesOf(b!)]).toEqual([[c!.name], [c!.name]]);
        expect(c!.mesh.peers).toHaveLength(2);
      });

      it('ends with a new process at that name', async () => {
        const [a, b] = await world.mesh(2);
        await a!.mesh.disconnect(b!.name);
        await world.until(() => b!.mesh.peers.length === 0);
        await world.settled(b!.mesh.stop());
        const next = await world.start({ port: b!.port });
        world.tell(next, a!);
        await world.until(() => a!.mesh.peers.length === 1);
        expect(a!.mesh.peers[0]!.bootId).toBe(next.mesh.self.bootId);
      });
    });

    describe('meta', () => {
      it('goes to every peer, also to later ones', async () => {
        const [a, b, c] = await world.mesh(3, { meta: { version: 1 } });
        a!.mesh.setMeta({ version: 2 });
        await world.until(() => [b, c].every((node) => ofType(node!, 'peer.updated').length === 1));
        expect(ofType(b!, 'peer.updated')).toMatchObject([
          {
            peer: { name: a!.name, meta: { version: 2 } },
            previous: { name: a!.name, meta: { version: 1 } },
          },
        ]);
        const late = await world.start();
        world.tell(late, a!);
        await world.until(() => late.mesh.peers.length === 3);
        expect(late.mesh.peers.find(({ name }) => name === a!.name)?.meta).toEqual({ version: 2 });
        expect(ofType(a!, 'peer.updated')).toEqual([]);
      });
    });

    describe('refusals', () => {
      it('of another cluster are told at both ends, once', async () => {
        const [a, b] = [await world.start({ cluster: 'red' }), await world.start({ cluster: 'blue' })];
        const [result] = await world.settled(a.mesh.found([b.name], { provider: 'list', as: 'answer' }));
        expect(result).toMatchObject({ result: 'failed', code: 'WRONG_CLUSTER' });
        await aWhile();
        world.tell(a, b);
        await aWhile();
        expect(ofType(a, 'peer.refused')).toMatchObject([
          { code: 'WRONG_CLUSTER', direction: 'outbound', address: `127.0.0.1:${b.port}` },
        ]);
        expect(ofType(b, 'peer.refused')[0]).toMatchObject({
          code: 'WRONG_CLUSTER',
          direction: 'inbound',
          name: a.name,
        });
        expect(ofType(b, 'peer.refused')[0]!.message).toContain('"red"');
        expect(b.mesh.explain().refused[0]).toMatchObject({ code: 'WRONG_CLUSTER', name: a.name });
        expect([...namesOf(a), ...namesOf(b)]).toEqual([]);
      });

      it('meet a second live node of one name, and not the first', async () => {
        const [a, holder] = await world.mesh(2);
        const impostor = await world.start({ name: holder!.name, port: await world.ground.freePort() });
        await expect(world.settled(impostor.mesh.connect(a!.name))).rejects.toMatchObject({
          code: 'NAME_TAKEN',
        });
        expect(ofType(a!, 'peer.refused')).toMatchObject([{ code: 'NAME_TAKEN', name: holder!.name }]);
        expect(ofType(a!, 'peer.down')).toEqual([]);
        expect(a!.mesh.peers.map(({ bootId }) => bootId)).toEqual([holder!.mesh.self.bootId]);
      });

      it('meet whoever comes when there is no room', async () => {
        const limits = { peers: 2 };
        const nodes = await world.mesh(3, { limits });
        const fourth = await world.start();
        await expect(world.settled(fourth.mesh.connect(nodes[0]!.name))).rejects.toMatchObject({
          code: 'TOO_MANY_PEERS',
        });
        expect(ofType(nodes[0]!, 'peer.refused')).toMatchObject([
          { code: 'TOO_MANY_PEERS', name: fourth.name },
        ]);
        for (const node of nodes) expect(node.mesh.peers).toHaveLength(2);
      });
    });
  });
}
