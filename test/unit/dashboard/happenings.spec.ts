import { describe, expect, it } from 'vitest';
import { Happenings } from '../../../lib/dashboard/happenings.js';
import type { EventView } from '../../../lib/cluster/view/node-view.js';

const NOW_MS = 1_000_000;
const a = { bootId: 'a', name: 'app@a' };
const b = { bootId: 'b', name: 'app@b' };

function event(more: Partial<EventView>): EventView {
  return {
    number: 1,
    agoMs: 0,
    type: 'peer.down',
    about: 'app@c',
    bootId: 'c',
    reason: 'closed',
    why: 'EOF',
    ...more,
  };
}

const startedAtOf =
  (starts: Readonly<Record<string, number>>) =>
  (bootId: string): number | undefined =>
    starts[bootId];
const nobody = startedAtOf({});

describe('what happened', () => {
  it('is one entry, whoever saw it, with the words of each', () => {
    const happenings = new Happenings();
    happenings.add(a, [event({ agoMs: 1_000 })], NOW_MS);
    happenings.add(b, [event({ agoMs: 1_400, why: 'ECONNRESET' })], NOW_MS);
    expect(happenings.list(nobody)).toEqual([
      {
        at: NOW_MS - 1_000,
        kind: 'bad',
        text: 'app@c is down (closed)',
        seenBy: 2,
        voices: [
          { node: 'app@a', why: 'EOF' },
          { node: 'app@b', why: 'ECONNRESET' },
        ],
      },
    ]);
  });

  it('is said once by all who say it in the same words, and no more of it than a page shows', () => {
    const happenings = new Happenings();
    const many = Array.from({ length: 150 }, (_, i) =>
      event({ number: i, agoMs: i * 20_000, about: `app@n${i}`, bootId: `n${i}` }),
    );
    for (let i = 0; i < 30; i++)
      happenings.add(
        { bootId: `t${i}`, name: `app@t${i}` },
        i === 7 ? [event({ why: 'other' })] : many,
        NOW_MS,
      );
    const list = happenings.list(nobody);
    expect(list).toHaveLength(100);

    const [first] = list.filter(({ text }) => text.startsWith('app@n1 '));
    expect(first).toMatchObject({
      seenBy: 29,
      voices: [{ node: 'app@t0, app@t1, app@t2 and 26 more', why: 'EOF' }],
    });
  });

  it('is two entries when it happens again later', () => {
    const happenings = new Happenings();
    happenings.add(a, [event({ agoMs: 40_000 }), event({ number: 2, agoMs: 1_000 })], NOW_MS);
    expect(happenings.list(nobody).map(({ at }) => at)).toEqual([NOW_MS - 1_000, NOW_MS - 40_000]);
  });

  it('is not that a newcomer sees those who were there before', () => {
    const happenings = new Happenings();
    const up = { type: 'peer.up', why: 'new process' };
    happenings.add(a, [event({ ...up, about: 'app@b', bootId: 'b' })], NOW_MS);
    happenings.add(b, [event({ ...up, about: 'app@a', bootId: 'a' })], NOW_MS);
    const texts = happenings.list(startedAtOf({ a: 100, b: 200 })).map(({ text }) => text);
    expect(texts).toEqual(['app@b is up']);
  });

  it('tells of the last end of a peer', () => {
    const happenings = new Happenings();
    expect(happenings.lastDown('c')).toBeUndefined();
    happenings.add(a, [event({ reason: 'left', why: 'it said goodbye' })], NOW_MS);
    expect(happenings.lastDown('c')).toEqual({ reason: 'left', why: 'it said goodbye' });
  });

  it('stays bounded', () => {
    const happenings = new Happenings();
    const many = Array.from({ length: 1_000 }, (_, i) => event({ number: i, bootId: String(i) }));
    happenings.add(a, many, NOW_MS);
    expect(happenings.list(nobody)).toHaveLength(100);
  });
});
