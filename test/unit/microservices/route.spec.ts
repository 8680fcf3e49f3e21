import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeRef } from '../../../lib/microservices/local-or-remote.js';
import { candidatesOf } from '../../../lib/microservices/pattern-registry.js';
import { choose } from '../../../lib/microservices/route.js';
import type { Peer } from '../../../lib/membership/events.js';
import type { Route } from '../../../lib/microservices/route.js';
import { peerNamed } from '../../support/apps/fake-cluster.js';

const nodeNamed = (name: string): NodeRef => ({ name, bootId: `boot of ${name}` });
const names = (nodes: readonly NodeRef[]): string[] => nodes.map(({ name }) => name);
const pick = (route: Route, nodes: readonly NodeRef[], peers: Parameters<typeof choose>[2] = () => []) =>
  names(choose(route, candidatesOf(nodes, statusAmong(peers())), peers));
const statusAmong =
  (peers: readonly Peer[]) =>
  ({ bootId }: Pick<Peer, 'bootId'>) =>
    peers.find((peer) => peer.bootId === bootId)?.status ?? 'up';
const cluster = (count: number): NodeRef[] =>
  Array.from({ length: count }, (_, i) => nodeNamed(`app@10.0.0.${i}`));

describe('a key', () => {
  const ownerOf = (key: string, nodes: readonly NodeRef[]) => pick({ key }, nodes)[0];
  const nodeNames = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}@[a-z0-9.]{1,12}$/), {
    minLength: 1,
    maxLength: 12,
  });

  it('has one owner, whatever the order of the nodes, and moves only when its owner leaves', () => {
    fc.assert(
      fc.property(fc.string(), nodeNames, fc.nat(), (key, all, at) => {
        const nodes = all.map(nodeNamed);
        const owner = ownerOf(key, nodes);
        expect(all).toContain(owner);
        expect(ownerOf(key, nodes.toReversed())).toBe(owner);
        const left = nodes.filter((_, i) => i !== at % nodes.length);
        const leaver = nodes[at % nodes.length]!.name;
        if (leaver !== owner) expect(ownerOf(key, left)).toBe(owner);
      }),
    );
  });

  it('is one of a fair share, also when keys and names are alike', () => {
    const nodes = cluster(5);
    const shares = new Map<string | undefined, number>();
    for (let i = 0; i < 10_000; i++) {
      const owner = ownerOf(`${i}`, nodes);
      shares.set(owner, (shares.get(owner) ?? 0) + 1);
    }
    expect(shares.size).toBe(5);
    for (const share of shares.values()) expect(Math.abs(share - 2_000)).toBeLessThan(200);
  });

  it('may be a number, and is the same as its text', () => {
    const nodes = cluster(50);
    for (let key = 0; key < 50; key++) expect(pick({ key }, nodes)).toEqual(pick({ key: `${key}` }, nodes));
  });
});

describe('the nearest', () => {
  const nodes = ['a@h', 'b@h', 'c@h'].map(nodeNamed);

  it('has the shortest round trip', () => {
    const peers = [peerNamed('a@h', 3), peerNamed('b@h', 1), peerNamed('c@h', 2)];
    expect(pick('nearest', nodes, () => peers)).toEqual(['b@h']);
  });

  it('is this node itself, which is no peer', () => {
    expect(pick('nearest', nodes, () => [peerNamed('a@h', 1), peerNamed('b@h', 1)])).toEqual(['c@h']);
  });

  it('is none that is blocked, or not yet measured, when there is another', () => {
    const blocked = [peerNamed('a@h', 1, 'degraded'), peerNamed('b@h'), peerNamed('c@h', 900)];
    expect(pick('nearest', nodes, () => blocked)).toEqual(['c@h']);
    expect(pick('nearest', nodes.slice(0, 2), () => blocked)).toEqual(['b@h']);
    expect(pick('nearest', nodes.slice(0, 1), () => blocked)).toEqual(['a@h']);
  });
});

describe('who is blocked, or shuts down', () => {
  const nodes = ['a@h', 'b@h', 'c@h'].map(nodeNamed);
  const statuses = fc.constantFrom<Peer['status']>('up', 'degraded', 'leaving');
  const peersWith = (of: readonly Peer['status'][]) =>
    of.map((status, i) => peerNamed(nodes[i]!.name, i, status));

  it('is passed over while another has the pattern; a key moves only from who shuts down', () => {
    fc.assert(
      fc.property(fc.tuple(statuses, statuses, statuses), fc.string(), (of, key) => {
        const peers = peersWith(of);
        const statusOf = ([name]: string[]) => peers.find((peer) => peer.name === name)!.status;
        const best = (['up', 'degraded', 'leaving'] as const).find((status) => of.includes(status))!;
        expect(statusOf(pick('any', nodes, () => peers))).toBe(best);
        expect(statusOf(pick('nearest', nodes, () => peers))).toBe(best);
        expect(pick('all', nodes, () => peers)).toHaveLength(3);
        const staying = nodes.filter((_, i) => of[i] !== 'leaving');
        const owner = pick({ key }, nodes, () => peers);
        expect(owner).toEqual(pick({ key }, staying.length > 0 ? staying : nodes));
      }),
    );
  });
});

describe('a name', () => {
  it('is taken with and without the default port', () => {
    const nodes = [nodeNamed('a@h'), nodeNamed('b@h')];
    expect(pick({ node: 'a@h:4370' }, nodes)).toEqual(['a@h']);
    expect(pick({ node: 'c@h' }, nodes)).toEqual([]);
    expect(pick({ node: 'f00' }, [nodes[0]!, { ...nodes[1]!, bootId: 'f00' }])).toEqual(['b@h']);
  });
});

describe('nobody', () => {
  it.each<Route>(['any', 'nearest', 'all', { key: 'k' }, { node: 'a@h' }])(
    'is where %j leads to',
    (route) => {
      expect(pick(route, [])).toEqual([]);
    },
  );
});
