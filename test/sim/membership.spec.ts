import { describe, expect, it } from 'vitest';
import { runScenario } from './scenario.js';

const SEEDS = Number(process.env['SIM_SEEDS'] ?? 120);
const FIRST = Number(process.env['SIM_FIRST'] ?? 1);
const NODES = process.env['SIM_NODES'];
const options = NODES === undefined ? {} : { nodes: Number(NODES) };

describe('the membership core, over seeded virtual networks', () => {
  it(`keeps its invariants in every one of ${SEEDS} random histories`, () => {
    const failures: string[] = [];
    for (let seed = FIRST; seed < FIRST + SEEDS && failures.length < 3; seed++) {
      const { faults, timeline } = runScenario(seed, options);
      if (faults.length === 0) continue;
      const replay = `npm run sim -- --first ${seed} --seeds 1${NODES === undefined ? '' : ` --nodes ${NODES}`}`;
      failures.push([`seed ${seed} (${replay})`, ...faults, ...timeline].join('\n'));
    }
    expect(failures.join('\n\n')).toBe('');
  });

  it('replays a seed to the letter', () => {
    expect(runScenario(7).timeline).toEqual(runScenario(7).timeline);
  });
});
