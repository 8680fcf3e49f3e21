import { describe, expect, it } from 'vitest';
import type { JobView } from '../../../lib/cluster/view/node-view.js';
import { Happenings } from '../../../lib/dashboard/happenings.js';
import { makeSnapshot } from '../../../lib/dashboard/snapshot.js';
import type { Snapshot } from '../../../lib/dashboard/snapshot.types.js';
import type { Told } from '../../../lib/dashboard/told.js';
import { NOW_MS, toldNode } from './told-nodes.js';

const [a, b, c] = ['app@10.0.0.1', 'app@10.0.0.2', 'app@10.0.0.3'] as const;

function job(name: string, more: Partial<JobView> = {}): JobView {
  return { name, running: 0, runs: 0, failed: 0, missed: 0, duplicates: 0, ...more };
}

function snapshotOf(tolds: readonly Told[]): Snapshot {
  return makeSnapshot({ tolds, happenings: new Happenings(), nowMs: NOW_MS, freshMs: 5_000 });
}

function nodes(jobs: Readonly<Record<string, readonly JobView[]>>): Told[] {
  const names = [a, b, c];
  return names.map((name) =>
    toldNode(
      name,
      names.filter((other) => other !== name),
      { jobs: jobs[name] ?? [] },
    ),
  );
}

describe('jobs on the dashboard', () => {
  it('are one row each: who has it, who runs it, what ran last', () => {
    const ran = { agoMs: 12_000, tookMs: 300 };
    const { jobs, findings } = snapshotOf(
      nodes({
        [a]: [job('nightly', { runs: 2, last: { agoMs: 90_000, tookMs: 100 } }), job('mail')],
        [b]: [job('nightly', { runs: 3, running: 1, last: ran })],
      }),
    );
    expect(jobs).toEqual([
      {
        name: 'mail',
        on: a,
        now: '',
        last: 'not since these nodes started',
        counts: '0 runs',
        isWell: true,
      },
      {
        name: 'nightly',
        on: `${a} and ${b}`,
        now: `on ${b}`,
        last: `12.0 s ago on ${b}, took 0.3 s`,
        counts: '5 runs',
        isWell: true,
      },
    ]);
    expect(findings).toEqual([]);
  });

  it('are told with their node, those that ran last first', () => {
    const jobs = ['j1', 'j2', 'j3', 'j4', 'j5'].map((name, i) =>
      job(name, { last: { agoMs: 50_000 - i * 10_000, tookMs: 1 } }),
    );
    const snapshot = snapshotOf(
      nodes({ [a]: jobs, [b]: [job('j1', { running: 1, last: { agoMs: 2_000 } })] }),
    );
    expect(snapshot.nodes[0]!.jobs).toEqual([
      'j5 ran 10.0 s ago',
      'j4 ran 20.0 s ago',
      'j3 ran 30.0 s ago',
      '2 more',
    ]);
    expect(snapshot.nodes[1]!.jobs).toEqual(['j1 runs']);
  });

  it('that failed, were run by nobody, or twice, say so', () => {
    const failed = { agoMs: 4_000, tookMs: 20, error: 'no disk' };
    const { jobs, findings } = snapshotOf(
      nodes({
        [a]: [job('nightly', { runs: 1, failed: 1, missed: 2, duplicates: 1, last: failed })],
        [b]: [job('nightly', { runs: 1, missed: 2, duplicates: 1, last: { agoMs: 9_000, tookMs: 20 } })],
      }),
    );
    expect(jobs[0]).toMatchObject({
      last: `4.0 s ago on ${a}, took 0.0 s, failed: no disk`,
      counts: '2 runs, 1 failed, 2 skipped by all, 1 by two nodes',
      isWell: false,
    });
    expect(findings).toEqual([
      { level: 'note', text: `Job nightly failed on ${a} 4.0 s ago: no disk` },
      { level: 'note', text: 'Job nightly had 1 run by two nodes, while the network was split.' },
    ]);
  });

  it('of a node that is gone, or of an older release, are not told', () => {
    const [one, ...others] = nodes({ [a]: [job('nightly')] });
    const { jobs: _none, ...older } = others[0]!.view!;
    const tolds = [{ ...one!, goneAtMs: NOW_MS - 1 }, { ...others[0]!, view: older }, others[1]!];
    expect(snapshotOf([tolds[1]!, tolds[0]!, tolds[2]!]).jobs).toEqual([]);
  });
});
