import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Happenings } from '../../../lib/dashboard/happenings.js';
import { makeSnapshot } from '../../../lib/dashboard/snapshot.js';
import type { Snapshot } from '../../../lib/dashboard/snapshot.types.js';
import { CELLS } from '../../../lib/dashboard/snapshot.types.js';
import type { Told } from '../../../lib/dashboard/told.js';
import { idOf, NOW_MS, peerView, toldNode, viewOf, whole } from './told-nodes.js';

const [a, b, c] = ['app@10.0.0.1', 'app@10.0.0.2', 'app@10.0.0.3'] as const;

function snapshotOf(tolds: readonly Told[], happenings = new Happenings()): Snapshot {
  return makeSnapshot({ tolds, happenings, nowMs: NOW_MS, freshMs: 5_000 });
}

const textsOf = ({ findings }: Snapshot): string[] => findings.map(({ text }) => text);

describe('a cluster in which all is well', () => {
  const snapshot = snapshotOf(whole(c, a, b));

  it('has nothing to say', () => {
    expect(snapshot.findings).toEqual([]);
    expect(snapshot.summary).toBe('3 nodes, each sees every other');
  });

  it('shows its nodes in order, and who serves the page', () => {
    expect(snapshot.nodes.map(({ name, label, state, isSelf }) => [name, label, state, isSelf])).toEqual([
      [a, '10.0.0.1', 'up', false],
      [b, '10.0.0.2', 'up', false],
      [c, '10.0.0.3', 'up', true],
    ]);
    expect(snapshot.servedBy).toBe(c);
  });

  it('has a full matrix', () => {
    expect(snapshot.matrix).toEqual(['suu', 'usu', 'uus']);
    expect(snapshot.cellWords).toEqual({});
  });
});

it('names a cut between two nodes, and who sees both', () => {
  const missing = [{ name: b, state: 'waiting' as const, why: 'Dialled 3 times: connection timed out.' }];
  const snapshot = snapshotOf([toldNode(a, [c], { missing }), toldNode(b, [c]), toldNode(c, [a, b])]);
  expect(snapshot.matrix).toEqual(['sxu', 'xsu', 'uus']);
  expect(textsOf(snapshot)).toEqual([
    `${a} and ${b} do not see each other, though ${c} sees both: the path between them is cut.`,
  ]);
  expect(snapshot.cellWords['0 1']).toBe('Dialled 3 times: connection timed out.');
});

it('lets a one-sided link stand out, once it has had time to be told by both', () => {
  const sided = (forMs: number): Told[] => [
    { ...toldNode(a, []), view: viewOf(a, [], { peers: [peerView(b, { forMs })] }) },
    toldNode(b, []),
  ];
  const young = snapshotOf(sided(500));
  expect(young.matrix).toEqual(['su', 'xs']);
  expect(textsOf(young)).toEqual([]);
  const snapshot = snapshotOf(sided(10_000));
  expect(snapshot.matrix).toEqual(['so', 'xs']);
  expect(textsOf(snapshot)).toEqual([`${a} sees ${b} and is not seen by it: a one-sided link.`]);
});

it('shows a blocked node by what the others say, and not by what it told before', () => {
  const sees = (name: string, other: string): Told => ({
    ...toldNode(name, []),
    view: viewOf(name, [], {
      peers: [peerView(b, { status: 'degraded', doubt: 'Suspected: it has been silent.' }), peerView(other)],
    }),
  });
  const blocked: Told = { ...toldNode(b, [a, c]), toldAtMs: NOW_MS - 8_000, failure: 'silent' };
  const snapshot = snapshotOf([sees(a, c), blocked, sees(c, a)]);
  expect(snapshot.matrix).toEqual(['sbu', '?s?', 'ubs']);
  expect(snapshot.nodes[1]).toMatchObject({ state: 'blocked' });
  expect(snapshot.cellWords['0 1']).toBe('Suspected: it has been silent.');
  expect(textsOf(snapshot)).toEqual([
    `${b} answers no longer, since its event loop is blocked: as ${a} and ${c} say; it told nothing for 8.0 s`,
  ]);
});

it('passes on why a life is in doubt', () => {
  const doubt = 'Suspected for 1.0 s: it has been silent.';
  const doubting = viewOf(a, [], { peers: [peerView(b, { doubt })] });
  const snapshot = snapshotOf([{ ...toldNode(a, []), view: doubting }, toldNode(b, [a])]);
  expect(snapshot.matrix).toEqual(['sd', 'us']);
  expect(textsOf(snapshot)).toEqual([`The life of ${b} is in doubt: ${a} doubts it. ${doubt}`]);
});

it('shows a node of an older release as one that does not tell', () => {
  const older: Told = { bootId: idOf(b), name: b, failure: 'untold' };
  const snapshot = snapshotOf([toldNode(a, [b]), older]);
  expect(snapshot.matrix).toEqual(['su', '?s']);
  expect(snapshot.nodes[1]).toMatchObject({ state: 'untold' });
  expect(snapshot.findings).toMatchObject([{ level: 'note' }]);
  expect(snapshot.summary).toBe('2 nodes; 1 of 2 views is not told');
});

it('says of a node that is gone how it went', () => {
  const happenings = new Happenings();
  const why = 'its connection ended (EOF) and dialling it again failed (CONNECTION_REFUSED)';
  const down = {
    number: 1,
    agoMs: 3_000,
    type: 'peer.down',
    about: b,
    bootId: idOf(b),
    reason: 'closed',
    why,
  };
  happenings.add({ bootId: idOf(a), name: a }, [down], NOW_MS);
  const gone: Told = { ...toldNode(b, [a]), goneAtMs: NOW_MS - 3_000 };
  const snapshot = snapshotOf([toldNode(a, []), gone], happenings);
  expect(snapshot.matrix).toEqual(['s-', '-s']);
  expect(textsOf(snapshot)).toEqual([`${b} is gone: closed 3.0 s ago: ${why}`]);
});

it('says which names nobody reaches, unless it shows that node anyway', () => {
  const missing = [
    { name: 'app@10.0.0.9', state: 'waiting' as const, why: 'Dialled 4 times in a row without success.' },
    { name: b, state: 'waiting' as const, why: 'Dialled.' },
  ];
  const gone: Told = { ...toldNode(b, []), goneAtMs: NOW_MS };
  const texts = textsOf(snapshotOf([toldNode(a, [], { missing }), gone]));
  expect(texts).toHaveLength(2);
  expect(texts).toContain('app@10.0.0.9 is not reached. Dialled 4 times in a row without success.');
});

it('says so while it is being dialled again too, and not before it was dialled at all', () => {
  const missing = [
    { name: 'app@10.0.0.8', state: 'dialling' as const, failures: 2, why: 'Dialled 2 times.' },
    { name: 'app@10.0.0.9', state: 'waiting' as const, failures: 0, why: 'It will be dialled.' },
    { name: 'app@10.0.0.7', state: 'dialling' as const, failures: 0, why: 'It is being dialled.' },
  ];
  const texts = textsOf(snapshotOf([toldNode(a, [], { missing })]));
  expect(texts).toEqual(['app@10.0.0.8 is not reached. Dialled 2 times.']);
});

it('gathers what all say of a provider', () => {
  const works = [{ name: 'dns', state: 'working' as const, names: 3 }];
  const fails = [
    { name: 'dns', state: 'failing' as const, names: 2, failingForMs: 8_000, error: 'SERVFAIL' },
  ];
  const nodes = [toldNode(a, [b], { providers: works }), toldNode(b, [a], { providers: fails })];
  const snapshot = snapshotOf(nodes);
  expect(snapshot.providers).toEqual([
    {
      name: 'dns',
      isWell: false,
      text: `fails on 1 of 2 nodes (${b}) for 8.0 s: SERVFAIL. Its last good answer has 2 to 3 names.`,
    },
  ]);
  expect(textsOf(snapshot)).toHaveLength(1);
});

it('shows of meta the version and the zone, and nothing else', () => {
  const self = { name: a, bootId: idOf(a), host: '10.0.0.1', port: 4370 };
  const meta = { version: '1.4.2', zone: 'b', token: 'hidden-from-the-page' };
  const snapshot = snapshotOf([toldNode(a, [], { self: { ...self, meta } })]);
  expect(snapshot.nodes[0]).toMatchObject({ version: '1.4.2', zone: 'b' });
  expect(JSON.stringify(snapshot)).not.toContain('hidden-from-the-page');
});

it('stays well-formed whatever the nodes tell', () => {
  const names = fc.uniqueArray(fc.integer({ min: 1, max: 250 }), { minLength: 1, maxLength: 12 });
  const states = fc.constantFrom('fresh', 'stale', 'silent', 'untold', 'gone', 'unasked');
  const statuses = fc.constantFrom('up', 'degraded', 'leaving', 'doubted', 'none');
  fc.assert(
    fc.property(names, fc.infiniteStream(states), fc.infiniteStream(statuses), (ends, kinds, links) => {
      const all = ends.map((end) => `app@10.0.0.${end}`);
      const link = (name: string) => {
        const status = links.next().value;
        if (status === 'none') return [];
        if (status === 'doubted') return [peerView(name, { doubt: 'silent' })];
        return [peerView(name, { status })];
      };
      const tolds = all.map((name, i): Told => {
        const kind = i === 0 ? 'fresh' : kinds.next().value;
        const peers = all.filter((other) => other !== name).flatMap(link);
        const told = { ...toldNode(name, []), view: viewOf(name, [], { peers }) };
        if (kind === 'stale') return { ...told, toldAtMs: NOW_MS - 60_000 };
        if (kind === 'gone') return { ...told, goneAtMs: NOW_MS - 100 };
        if (kind === 'unasked') return { bootId: told.bootId, name };
        return kind === 'fresh' ? told : { ...told, failure: kind };
      });
      const { matrix, nodes, summary, findings } = snapshotOf(tolds);
      expect(nodes).toHaveLength(all.length);
      expect(matrix.map((row) => row.length)).toEqual(all.map(() => all.length));
      for (const [i, row] of matrix.entries()) {
        expect(row.split('').every((cell) => cell in CELLS)).toBe(true);
        expect(row.indexOf('s')).toBe(i);
      }
      // Nothing is the matter exactly when every node sees every other.
      const isWhole = matrix.every((row) => /^u*su*$/.test(row));
      if (isWhole && all.length > 1) expect(summary).toBe(`${all.length} nodes, each sees every other`);
      const isWrong = matrix.some((row) => /[dbxo]/.test(row));
      if (isWrong) expect(findings).not.toEqual([]);
    }),
  );
});
