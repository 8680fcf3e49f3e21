import { describe, expect, it } from 'vitest';
import { Runs } from '../../../lib/runs/core/runs.js';
import { KEEP_MS, MAX_AGE_MS } from '../../../lib/runs/core/run.types.js';
import type {
  RunDirective,
  RunKey,
  RunQuestion,
  RunRules,
  RunView,
} from '../../../lib/runs/core/run.types.js';

const key: RunKey = { job: 'Reports.daily', dueMs: 1_000_000 };
const rules: RunRules = {
  onLoss: 'skip',
  lateMs: 10_000,
  spread: false,
  isDirect: false,
  isOnce: false,
  isStored: false,
  keepMs: KEEP_MS,
};
type Peer = RunView['peers'][number];

/** A node among `b` and `c`; in order, `a` is first. */
function node(self = 'a', more: Partial<RunView> = {}) {
  const peers: Peer[] = ['a', 'b', 'c'].filter((id) => id !== self).map((id): Peer => ({ id, status: 'up' }));
  const view: RunView = {
    self,
    isSettled: true,
    peers,
    having: () => ['a', 'b', 'c'],
    willFire: () => false,
    passesOver: () => false,
    rank: (_key, ids) => ids.toSorted((a, b) => a.localeCompare(b)),
    quorum: 1,
    bornAtMs: 0,
    ...more,
  };
  const core = new Runs(view);
  core.handle({ type: 'wake' }, 0);
  return { core, peers };
}

const claimOf = (directives: readonly RunDirective[], to: string): RunQuestion =>
  directives.flatMap((each) => (each.type === 'ask' && each.to === to ? [each.question] : []))[0]!;
const typesOf = (directives: readonly RunDirective[]): string[] => directives.map(({ type }) => type);
const due = { type: 'due', key, rules, lateByMs: 0 } as const;
const yes = { type: 'yes' } as const;

describe('a run', () => {
  it('costs four messages for each other node: a claim, its answer, and word of its begin and its end', () => {
    const { core } = node();
    const asked = core.handle(due, 0);
    expect(typesOf(asked)).toEqual(['ask', 'ask']);
    const [b, c] = [claimOf(asked, 'b'), claimOf(asked, 'c')];
    expect(core.handle({ type: 'answered', from: 'b', question: b, answer: yes }, 5)).toEqual([]);
    const granted = core.handle({ type: 'answered', from: 'c', question: c, answer: yes }, 6);
    expect(typesOf(granted)).toEqual(['tell', 'run']);
    expect(typesOf(core.handle({ type: 'ended', key, isReleased: false }, 7))).toEqual(['tell']);
    // And nobody gets it any more.
    const later = core.answer('b', { type: 'claim', key, attempt: 1, onLoss: 'skip', keepMs: KEEP_MS }, 8);
    expect(later.answer).toEqual({ type: 'held', by: 'a', state: 'done' });
  });

  it('is granted to one claimant, until that one gives it back', () => {
    const { core } = node('c');
    const claim = { type: 'claim', key, attempt: 1, onLoss: 'skip', keepMs: KEEP_MS } as const;
    expect(core.answer('b', claim, 0).answer).toEqual(yes);
    expect(core.answer('a', claim, 1).answer).toEqual({ type: 'held', by: 'b', state: 'claimed' });
    const released = { key, word: 'released', onLoss: 'skip', keepMs: 0 } as const;
    core.handle({ type: 'told', from: 'b', news: [released], scope: 'some' }, 2);
    expect(core.answer('a', claim, 3).answer).toEqual(yes);
  });

  it.each([
    ['b', true],
    ['a', false],
  ])('that crosses another claim: %s gives way to who is ahead (%s)', (self, givesWay) => {
    const other = self === 'a' ? 'b' : 'a';
    const { core } = node(self, { having: () => [self] });
    core.handle(due, 0);
    const claim = { type: 'claim', key, attempt: 1, onLoss: 'skip', keepMs: KEEP_MS } as const;
    const { answer, directives } = core.answer(other, claim, 1);
    expect(answer).toEqual(givesWay ? yes : { type: 'held', by: self, state: 'claimed' });
    // What it was granted, others may have.
    expect(typesOf(directives)).toEqual(givesWay ? ['tell', 'tell'] : []);
  });

  it('does not begin by the answer to a claim that was given up', () => {
    const { core } = node();
    const first = core.handle(due, 0);
    // Its loop stood still: it gives the claim up, and claims again when it is calm.
    core.handle({ type: 'wake' }, 3_000);
    const again = core.handle({ type: 'wake' }, 3_200);
    expect(typesOf(again)).toEqual([]);
    for (let ms = 3_400; ms <= 8_000; ms += 200) core.handle({ type: 'wake' }, ms);
    const second = core.handle({ type: 'wake' }, 8_200);
    const late = core.handle(
      { type: 'answered', from: 'b', question: claimOf(first, 'b'), answer: yes },
      8_210,
    );
    const other = core.handle(
      { type: 'answered', from: 'c', question: claimOf(first, 'c'), answer: yes },
      8_220,
    );
    expect([...late, ...other].some(({ type }) => type === 'run')).toBe(false);
    expect(typesOf(second).filter((type) => type === 'run')).toEqual([]);
  });

  it('is not begun when it is so late that others have forgotten whether it was run', () => {
    const { core } = node();
    const skipped = core.handle({ ...due, lateByMs: MAX_AGE_MS + 1 }, 0);
    expect(skipped).toMatchObject([{ type: 'skip', reason: 'stale' }]);
  });

  it('counts no vote of a node that began after it was due, with a quorum', () => {
    const { core } = node('a', { quorum: 2, bornAtMs: 500_000 });
    const asked = core.handle(due, 0);
    const young = { type: 'yes', isYoung: true } as const;
    const ask = (id: string) => claimOf(asked, id);
    core.handle({ type: 'answered', from: 'b', question: ask('b'), answer: young }, 1);
    const one = core.handle({ type: 'answered', from: 'c', question: ask('c'), answer: young }, 2);
    expect(one).toEqual([]);
    const end: RunDirective[] = [];
    for (let ms = 200; ms <= 11_000; ms += 200) end.push(...core.handle({ type: 'wake' }, ms));
    expect(end.filter(({ type }) => type === 'skip')).toMatchObject([{ reason: 'no quorum' }]);
  });

  it('does not wait for a blocked node that has told what it ran', () => {
    for (const hasTold of [true, false]) {
      const { core, peers } = node();
      if (hasTold) core.handle({ type: 'told', from: 'c', news: [], scope: 'all' }, 0);
      peers[1] = { id: 'c', status: 'degraded' };
      const asked = core.handle(due, 0);
      const answered = { type: 'answered', from: 'b', question: claimOf(asked, 'b'), answer: yes } as const;
      expect(typesOf(core.handle(answered, 1))).toEqual(hasTold ? ['tell', 'run'] : []);
    }
  });

  it('is told to a node that had lost sight of this one, once, and by it to nobody', () => {
    const { core } = node('b');
    const told = (scope: 'some' | 'all' | 'again') =>
      core.handle({ type: 'told', from: 'a', news: [], scope }, 1);
    const started = { key, word: 'started', onLoss: 'skip', keepMs: KEEP_MS } as const;
    // They have just met: both tell.
    expect(core.handle({ type: 'up', id: 'a' }, 0)).toMatchObject([{ to: 'a', scope: 'all' }]);
    expect(told('all')).toEqual([]);
    core.handle({ type: 'told', from: 'c', news: [started], scope: 'some' }, 1);
    expect(told('all')).toMatchObject([{ type: 'tell', to: 'a', scope: 'again', news: [{ key, by: 'c' }] }]);
    expect(told('again')).toEqual([]);
    core.handle({ type: 'down', id: 'a' }, 2);
    expect(told('all')).toEqual([]);
  });

  it('is told to a new node unless both knew of none when they met', () => {
    const { core } = node('b');
    const up = (id: string) => core.handle({ type: 'up', id, metBlank: true }, 0);
    expect(up('a')).toEqual([]);
    const started = { key, word: 'started', onLoss: 'skip', keepMs: KEEP_MS } as const;
    core.handle({ type: 'told', from: 'c', news: [started], scope: 'some' }, 1);
    // It has heard of one since the handshake.
    expect(up('d')).toMatchObject([{ type: 'tell', to: 'd', scope: 'all', news: [{ key }] }]);
    // Who met it as a blank one, and tells all, had lost sight of it.
    expect(core.handle({ type: 'told', from: 'a', news: [], scope: 'all' }, 1)).toMatchObject([
      { type: 'tell', to: 'a', scope: 'again' },
    ]);
  });

  it('is not lost because another node lost sight of the one that has it, which this one sees', () => {
    for (const isInSight of [true, false]) {
      const { core, peers } = node('b');
      if (!isInSight) peers.splice(0, peers.length, ...peers.filter(({ id }) => id !== 'c'));
      const lost = { key, word: 'lost', by: 'c', onLoss: 'skip', keepMs: KEEP_MS } as const;
      core.handle({ type: 'told', from: 'a', news: [lost], scope: 'all' }, 1);
      const { answer } = core.answer('a', { type: 'will', key }, 2);
      expect(answer).toEqual(isInSight ? { type: 'no' } : { type: 'held', by: 'c', state: 'lost' });
    }
  });

  it('that is done is not begun again by news that come late', () => {
    const { core } = node('b');
    const news = (word: 'started' | 'done') => [{ key, word, onLoss: 'rerun', keepMs: KEEP_MS } as const];
    for (const word of ['done', 'started'] as const)
      core.handle({ type: 'told', from: 'a', news: news(word), scope: 'some' }, 1);
    core.handle({ type: 'down', id: 'a' }, 2);
    expect(core.answer('c', { type: 'will', key }, 3).answer).toEqual({
      type: 'held',
      by: 'a',
      state: 'done',
    });
  });

  it('is run again, however late the others notice that its node has ended', () => {
    const { core, peers } = node('b');
    const rerun = { ...rules, onLoss: 'rerun' } as const;
    core.handle({ type: 'due', key, rules: rerun, lateByMs: 0 }, 0);
    const started = { key, word: 'started', onLoss: 'rerun', keepMs: KEEP_MS } as const;
    core.handle({ type: 'told', from: 'a', news: [started], scope: 'some' }, 1);
    peers.splice(0, 1);
    const claimed = core.handle({ type: 'down', id: 'a' }, 2);
    const held = { type: 'held', by: 'a', state: 'started' } as const;
    core.handle({ type: 'answered', from: 'c', question: claimOf(claimed, 'c'), answer: held }, 3);
    const again: RunDirective[] = [];
    for (let ms = 200; ms <= 2_000; ms += 200) again.push(...core.handle({ type: 'wake' }, ms));
    const question = claimOf(again, 'c');
    expect(typesOf(core.handle({ type: 'answered', from: 'c', question, answer: yes }, 2_001))).toEqual([
      'tell',
      'run',
    ]);
  });

  it('is for the node that asks, when each of two takes the other for the first', () => {
    // A rolling update that changes `spread`: by the order of `b` it is for `a`, which asks whether `b` will.
    const { core } = node('b', { having: () => ['a', 'b'] });
    core.handle(due, 0);
    expect(core.answer('a', { type: 'will', key }, 1_000).answer).toEqual({ type: 'no' });
    expect(node('a').core.answer('b', { type: 'will', key }, 0).answer).toEqual({ type: 'no' });
  });

  it('that its schedule comes late to is no sign that the loop stood still', () => {
    const { core } = node();
    expect(typesOf(core.handle({ ...due, lateByMs: 3_000 }, 0))).toEqual(['ask', 'ask']);
  });

  it('is claimed some time after a pause that the clock does not show', () => {
    const { core } = node();
    core.handle({ type: 'stood' }, 0);
    expect(core.handle(due, 0)).toEqual([]);
    const asked: [number, string][] = [];
    for (let ms = 200; ms <= 6_000; ms += 200)
      for (const { type } of core.handle({ type: 'wake' }, ms)) asked.push([ms, type]);
    expect(asked[0]).toEqual([5_000, 'ask']);
  });

  it('that the schedule passed over while the one before ran is over for all', () => {
    const { core } = node('a', { passesOver: () => true });
    const held = { type: 'held', by: 'a', state: 'done' };
    expect(core.answer('b', { type: 'will', key }, 0).answer).toEqual(held);
    const claim = { type: 'claim', key, attempt: 1, onLoss: 'skip', keepMs: KEEP_MS } as const;
    expect(core.answer('c', claim, 1).answer).toEqual(held);
  });

  it('is rerun however long the node had worked on it that is lost', () => {
    const { core, peers } = node('b', {
      having: () => ['b', 'c'],
      rank: (_key, ids) => ids.toSorted().toReversed(),
    });
    const rerun = { ...rules, onLoss: 'rerun' } as const;
    const started = { key, word: 'started', onLoss: 'rerun', keepMs: KEEP_MS } as const;
    core.handle({ type: 'told', from: 'c', news: [started], scope: 'some' }, 0);
    core.handle({ type: 'due', key, rules: rerun, lateByMs: 0 }, 0);
    let nowMs = 0;
    for (; nowMs < KEEP_MS + 60_000; nowMs += 1_000) {
      for (const each of core.handle({ type: 'wake' }, nowMs)) {
        expect(each).toMatchObject({ type: 'ask', to: 'c', question: { type: 'will' } });
        const { question } = each as Extract<RunDirective, { type: 'ask' }>;
        const held = { type: 'held', by: 'c', state: 'started' } as const;
        core.handle({ type: 'answered', from: 'c', question, answer: held }, nowMs);
      }
    }
    peers.splice(1, 1);
    const after = core.handle({ type: 'down', id: 'c' }, nowMs);
    expect(claimOf(after, 'a')).toMatchObject({ type: 'claim' });
  });

  describe('with a store', () => {
    const stored = { ...rules, isStored: true } as const;
    const storing = (sinceMs = 0) => {
      const { core } = node();
      const asked = core.handle({ type: 'due', key, rules: stored, lateByMs: 0 }, 0);
      for (let ms = 0; ms < sinceMs; ms += 1_000) core.handle({ type: 'wake' }, ms);
      const answered = (from: string) =>
        core.handle({ type: 'answered', from, question: claimOf(asked, from), answer: yes }, sinceMs);
      answered('b');
      return { core, out: answered('c') };
    };

    it('is asked for until it is late, whenever it was claimed', () => {
      expect(storing().out).toMatchObject([{ type: 'store', untilMs: rules.lateMs }]);
      expect(storing(9_000).out).toMatchObject([{ type: 'store', untilMs: rules.lateMs }]);
    });

    it('may be this node’s while it shuts down, and not when it has stopped', () => {
      const answer = { type: 'stored', key, by: 'a' } as const;
      const leaving = storing().core;
      expect(leaving.handle({ type: 'leave' }, 1)).toEqual([]);
      expect(typesOf(leaving.handle(answer, 2))).toContain('run');
      const stopped = storing().core;
      const left = stopped.handle({ type: 'stop' }, 1);
      expect(left).toContainEqual(expect.objectContaining({ reason: 'leaving' }));
      expect(stopped.handle(answer, 2)).toEqual([]);
    });
  });
});
