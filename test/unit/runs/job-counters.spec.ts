import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobCounters, type ToldRun } from '../../../lib/runs/job-counters.js';

const NOW_MS = 1_000_000;
const DUE_MS = 999_000;

const kinds: fc.Arbitrary<ToldRun> = fc.oneof(
  fc.constant<ToldRun>({ type: 'started' }),
  fc.record({ type: fc.constant('finished' as const), tookMs: fc.nat(5_000) }),
  fc.record({ type: fc.constant('finished' as const), tookMs: fc.nat(5_000), error: fc.anything() }),
  fc.record({ type: fc.constant('skipped' as const), reason: fc.constantFrom('lost' as const, 'no quorum') }),
  fc.constant<ToldRun>({ type: 'duplicate', by: ['a', 'b'] }),
);

describe('what became of runs, by job', () => {
  it('adds up, whatever is told of whichever job', () => {
    const job = fc.constantFrom('a', 'b');
    fc.assert(
      fc.property(fc.array(fc.tuple(job, kinds)), (told) => {
        const counters = new JobCounters();
        for (const [name, one] of told) counters.hear({ job: name, dueMs: DUE_MS }, one, NOW_MS);
        for (const stats of counters.snapshot()) {
          const own = told.filter(([name]) => name === stats.job).map(([, one]) => one);
          const count = (type: ToldRun['type']): number => own.filter((one) => one.type === type).length;
          expect(stats.started).toBe(count('started'));
          expect(stats.finished).toBe(count('finished'));
          expect(stats.running).toBe(count('started') - count('finished'));
          expect(stats.failed).toBe(own.filter((one) => 'error' in one).length);
          expect(stats.duplicates).toBe(count('duplicate'));
          expect(Object.values(stats.skipped).reduce((a, b) => a + b)).toBe(count('skipped'));
        }
      }),
    );
  });

  it('tells the run that began or ended last, and what it threw', () => {
    const counters = new JobCounters();
    const last = () => counters.snapshot()[0]!.last;
    const run = { job: 'nightly', dueMs: DUE_MS };
    counters.add('nightly');
    expect(counters.snapshot()).toMatchObject([{ job: 'nightly', started: 0 }]);
    expect(last()).toBeUndefined();
    counters.hear(run, { type: 'started' }, NOW_MS);
    expect(last()).toEqual({ dueAt: new Date(DUE_MS), startedAt: new Date(NOW_MS) });
    counters.hear(run, { type: 'finished', tookMs: 300, error: new Error('no disk') }, NOW_MS + 300);
    expect(last()).toEqual({
      dueAt: new Date(DUE_MS),
      startedAt: new Date(NOW_MS),
      tookMs: 300,
      error: 'no disk',
    });
  });

  it('has one entry for all of once(), and few for whatever others tell', () => {
    const counters = new JobCounters();
    for (let i = 0; i < 2_000; i++)
      counters.hear({ job: `once:${i}`, dueMs: 0 }, { type: 'started' }, NOW_MS);
    expect(counters.snapshot()).toMatchObject([{ job: 'once()', started: 2_000 }]);
    const twice: ToldRun = { type: 'duplicate', by: ['a', 'b'] };
    for (let i = 0; i < 2_000; i++) counters.hear({ job: `job ${i}`, dueMs: DUE_MS }, twice, NOW_MS);
    const jobs = counters.snapshot();
    expect(jobs.length).toBeLessThanOrEqual(501);
    expect(jobs.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(2_000);
  });
});
