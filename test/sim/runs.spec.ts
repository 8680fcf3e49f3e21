import { describe, expect, it } from 'vitest';
import { playRuns } from './runs/runs-history.js';
import type { RunsKind } from './runs/runs-history.js';

const SEEDS = Number(process.env['SIM_SEEDS'] ?? 20);
const FIRST = Number(process.env['SIM_FIRST'] ?? 1);

const promises: readonly [RunsKind, string][] = [
  ['calm', 'exactly once, while nodes join, leave, block and have clocks that differ by minutes'],
  ['deaths', 'at most once, also when nodes are killed and stopped; and once, unless its claimant ended'],
  ['rerun', 'at least once with `rerun`, while a node lives that had it to do'],
  ['quorum', 'at most once with a quorum, whatever is cut'],
  ['store', 'at most once with a store, whatever is cut'],
  ['split', 'told of, when both sides of a split ran it'],
  ['thaw', 'told of, when a node that was stopped ran it after all, and another one in its stead'],
];

describe('a due time is run', () => {
  it.each(promises)('(%s) %s', (kind) => {
    const failures: string[] = [];
    const all = { due: 0, run: 0, twice: 0 };
    for (let seed = FIRST; seed < FIRST + SEEDS && failures.length < 3; seed++) {
      const { faults, due, run, twice } = playRuns(kind, seed);
      all.due += due;
      all.run += run;
      all.twice += twice;
      if (faults.length > 0) failures.push([`seed ${seed} of ${kind}`, ...faults].join('\n'));
    }
    expect(failures.join('\n\n')).toBe('');
    // Otherwise `at most once`, and `told when twice`, say nothing.
    expect(all.run).toBeGreaterThan((kind === 'quorum' ? 0.6 : 0.8) * all.due);
    if (kind === 'split') expect(all.twice).toBeGreaterThan(0.1 * all.due);
  });

  it('in the same way for the same seed', () => {
    expect(playRuns('split', 3)).toEqual(playRuns('split', 3));
  });
});
