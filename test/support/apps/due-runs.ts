import type { Program } from '../processes/programs.js';

/** What came of the due times of a job, one each second. */
export interface DueRuns {
  readonly due: number;
  readonly once: number;
  readonly notRun: readonly number[];
  readonly twice: readonly number[];
}

/** Who ran which due time, from what jobbers printed. */
export function runsOf(programs: Iterable<Program>): Map<number, number> {
  const runs = new Map<number, number>();
  for (const { lines } of programs)
    for (const line of lines) {
      const [, due] = /^ran (\d+) \d+$/.exec(line) ?? [];
      if (due !== undefined) runs.set(Number(due), (runs.get(Number(due)) ?? 0) + 1);
    }
  return runs;
}

/** Of the seconds between two dates. */
export function countDue(runs: ReadonlyMap<number, number>, fromMs: number, toMs: number): DueRuns {
  const notRun: number[] = [];
  const twice: number[] = [];
  let due = 0;
  for (let ms = Math.ceil(fromMs / 1_000) * 1_000; ms < toMs; ms += 1_000) {
    due += 1;
    const times = runs.get(ms) ?? 0;
    if (times === 0) notRun.push(ms);
    if (times > 1) twice.push(ms);
  }
  return { due, once: due - notRun.length - twice.length, notRun, twice };
}
