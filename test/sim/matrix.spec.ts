import { describe, expect, it } from 'vitest';
import { CIRCUMSTANCES } from './matrix/circumstances.js';
import { Row } from './matrix/table.js';
import { runTrial } from './matrix/trial.js';

/** A small form of `npm run sim -- --matrix`: the same bounds, fewer seeds and nodes. */
const SIZES: readonly (readonly [nodes: number, seeds: number])[] = [
  [3, 8],
  [10, 3],
  [20, 1],
];

describe.each(SIZES)('the matrix of faults and circumstances, %i nodes', (nodes, seeds) => {
  it.each(CIRCUMSTANCES)('keeps its bounds: $name', ({ name }) => {
    const row = new Row(nodes, name);
    for (let seed = 1; seed <= seeds; seed++) row.add(runTrial({ nodes, circumstance: name, seed }));
    expect([...row.faults(), ...row.findings]).toEqual([]);
  });
});
