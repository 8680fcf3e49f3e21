import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Ledger } from '../../../lib/runs/core/ledger.js';
import { MAX_TOLD, MAX_TOLD_KEYS } from '../../../lib/runs/core/run.types.js';

const entryOf = (job: string, keepMs: number, dueMs = 0) =>
  ({ key: { job, dueMs }, holder: 'a', state: 'done', onLoss: 'skip', keepMs }) as const;

it('remembers a run for as long as was said, however often it is told on', () => {
  const waits = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 120_000 }), waits, (keepMs, pauses) => {
      let ledger = new Ledger(() => 'self');
      const entry = entryOf('migrate', keepMs);
      ledger.set(entry, 0);
      let nowMs = 0;
      for (const pauseMs of pauses) {
        nowMs += pauseMs;
        const next = new Ledger(() => 'self');
        for (const { key, by, keepMs: leftMs } of ledger.news(nowMs))
          next.set({ key, holder: by!, state: 'done', onLoss: 'skip', keepMs: leftMs }, nowMs);
        ledger = next;
        const isKept = ledger.get(entry.key, nowMs) !== undefined;
        // Each telling rounds up to a millisecond.
        if (nowMs < keepMs) expect(isKept).toBe(true);
        if (nowMs > keepMs + pauses.length) expect(isKept).toBe(false);
      }
    }),
  );
});

it('takes who has it next, also before it has cleared away what it remembers no more', () => {
  const ledger = new Ledger(() => 'self');
  const done = entryOf('migrate', 1_000);
  ledger.set(done, 0);
  ledger.set({ ...done, state: 'claimed' }, 999);
  expect(ledger.get(done.key, 999)).toMatchObject({ state: 'done' });
  ledger.set({ ...done, state: 'claimed' }, 1_001);
  expect(ledger.get(done.key, 1_001)).toMatchObject({ state: 'claimed' });
});

it('tells the latest of the many due times, and all keys that a node keeps', () => {
  const ledger = new Ledger(() => 'self');
  ledger.set(entryOf('migrate', 60_000), 0);
  for (let i = 1; i <= MAX_TOLD_KEYS; i++) ledger.set(entryOf('tick', 60_000, i * 1_000), 0);
  const told = ledger.news(1);
  expect(told).toHaveLength(1 + MAX_TOLD);
  expect(told[0]!.key.job).toBe('migrate');
  expect(told.at(-1)!.key.dueMs).toBe(MAX_TOLD_KEYS * 1_000);
});

it('remembers so many runs, and so many keys, and forgets the oldest of each, but not what it is at work on', () => {
  const ledger = new Ledger(() => 'self', 10);
  const own = { ...entryOf('own', 60_000), holder: 'self', state: 'started' } as const;
  ledger.set(own, 0);
  for (let i = 1; i <= 1_000; i++) {
    ledger.set({ ...entryOf(`key ${i}`, Number.MAX_SAFE_INTEGER), state: 'claimed' }, i);
    ledger.set(entryOf('tick', 60_000, i * 1_000), i);
  }
  expect(ledger.size).toBe(20);
  expect(ledger.get(own.key, 1_000)).toBeDefined();
  expect(ledger.get({ job: 'key 1000', dueMs: 0 }, 1_000)).toBeDefined();
  expect(ledger.get({ job: 'key 991', dueMs: 0 }, 1_000)).toBeUndefined();
  expect(ledger.get({ job: 'tick', dueMs: 991_000 }, 1_000)).toBeDefined();
  expect(ledger.get({ job: 'tick', dueMs: 990_000 }, 1_000)).toBeUndefined();
});

it('holds what a lost node had claimed for claimed when it is back, and what it had begun for lost', () => {
  const ledger = new Ledger(() => 'self');
  const [claimed, started] = [entryOf('claimed', 60_000, 1), entryOf('started', 60_000, 2)];
  ledger.set({ ...claimed, state: 'claimed' }, 0);
  ledger.set({ ...started, state: 'started' }, 0);
  const states = () => [claimed, started].map(({ key }) => ledger.get(key, 2)?.state);
  ledger.lose('a', 1);
  expect(states()).toEqual(['lost', 'lost']);
  ledger.find('b', 2);
  expect(states()).toEqual(['lost', 'lost']);
  ledger.find('a', 2);
  expect(states()).toEqual(['claimed', 'lost']);
});
