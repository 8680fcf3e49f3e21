import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalName } from '../../naming/node-name.js';
import { ProviderHarness, SELF } from './provider-harness.js';
import type { ProviderFactory, ProviderFixtures } from './provider-fixtures.js';
import { eventually, handlesReleased, openHandles, outcomeOf, promptly } from './waiting.js';

const A = 'kit@192.0.2.1:4001';
const B = 'kit@192.0.2.2:4001';
const GARBAGE = ['no-at-sign', '@', 'kit@', 'kit@not a host', 'kit@192.0.2.9:99999', 'a@b@c', '\u0000'];
/** Long enough for what ends by mistake to end. */
const A_WHILE_MS = 300;

/** What the checks work with. */
export interface Stage {
  readonly source: ProviderFixtures;
  /** A new provider, which is ended after the check. */
  readonly provider: () => Promise<ProviderHarness>;
}

/** One rule that every provider keeps. */
export interface Rule {
  readonly title: string;
  /** The fixtures without which it cannot be checked. */
  readonly needs?: readonly (keyof ProviderFixtures)[];
  /** Not for providers whose names are set when they are made. */
  readonly ofChanges?: boolean;
  readonly check: (stage: Stage) => Promise<void>;
}

export const POLL_RULES: readonly Rule[] = [
  {
    title: 'answers with the names of its source',
    check: ({ source, provider }) => answers(source, provider, [A, B]),
  },
  {
    title: 'answers nothing when its source holds nothing',
    check: ({ source, provider }) => answers(source, provider, []),
  },
  {
    title: 'takes a name twice for once',
    check: ({ source, provider }) => answers(source, provider, [A, A], [A]),
  },
  {
    title: 'takes no harm from the name of its own node',
    check: ({ source, provider }) => answers(source, provider, [SELF.name, A], [A]),
  },
  {
    title: 'answers with a great many names in time',
    check: ({ source, provider }) => answers(source, provider, manyNames(source.many ?? 2_000)),
  },
  {
    title: 'finds the names beside what is no name',
    needs: ['addGarbage'],
    check: async ({ source, provider }) => {
      await source.hold([A]);
      await source.addGarbage?.(GARBAGE);
      await eventuallyAnswers(await provider(), [A]);
    },
  },
  {
    title: 'follows its source',
    ofChanges: true,
    check: async ({ source, provider }) => {
      await source.hold([A]);
      const bench = await provider();
      await eventuallyAnswers(bench, [A]);
      await source.hold([B]);
      await eventuallyAnswers(bench, source.remembers ? [A, B] : [B]);
    },
  },
  {
    title: 'answers polls that overlap',
    check: async ({ source, provider }) => {
      await source.hold([A]);
      const bench = await provider();
      await eventuallyAnswers(bench, [A]);
      const answersOfAll = await Promise.all(Array.from({ length: 5 }, () => bench.poll()));
      for (const answer of answersOfAll) assert.deepEqual(answer, [A]);
    },
  },
  {
    title: 'gives up a poll that is aborted, and answers the next one',
    check: async ({ source, provider }) => {
      await source.hold([A]);
      const bench = await provider();
      const aborter = new AbortController();
      const polling = outcomeOf(bench.poll(aborter.signal));
      aborter.abort();
      await promptly(polling, 'poll() should end when its signal aborts,');
      const tooLate = outcomeOf(bench.poll(AbortSignal.abort()));
      await promptly(tooLate, 'poll() should end when its signal has aborted before,');
      await eventuallyAnswers(bench, [A]);
    },
  },
  {
    title: 'rejects a poll while its source fails, instead of answering nothing',
    needs: ['fail', 'heal'],
    check: async ({ source, provider }) => {
      await source.hold([A]);
      const bench = await provider();
      await eventuallyAnswers(bench, [A]);
      await source.fail?.();
      await eventually(async () => {
        await assert.rejects(bench.poll(), (error) => error instanceof Error && error.message !== '');
      });
      await source.heal?.();
      await source.hold([A]);
      await eventuallyAnswers(bench, [A]);
    },
  },
  {
    title: 'gives up a poll of a source that hangs when it is aborted',
    needs: ['hang', 'heal'],
    check: async ({ source, provider }) => {
      await source.hold([A]);
      const bench = await provider();
      await eventuallyAnswers(bench, [A]);
      await source.hang?.();
      // Who watches its source may still answer what it knows.
      const polling = bench.poll(AbortSignal.timeout(A_WHILE_MS)).then(
        (names) => assert.deepEqual(names, [A]),
        () => {},
      );
      await promptly(polling, 'poll() should end when its signal aborts,', 3_000);
      await source.heal?.();
      await source.hold([A]);
      await eventuallyAnswers(bench, [A]);
    },
  },
  {
    title: 'leaves nothing open',
    check: async ({ source, provider }) => {
      await source.hold([A]);
      await useOnce(await provider());
      const before = openHandles();
      // Several times, since the test runner's own timers come and go.
      for (let i = 0; i < 5; i += 1) await useOnce(await provider());
      await handlesReleased(before);
    },
  },
];

export const SERVE_RULES: readonly Rule[] = [
  {
    title: 'serves until it is told to end, and finds nothing afterwards',
    check: async ({ source, provider }) => {
      await source.hold([A]);
      const bench = await provider();
      await bench.end();
      const aborter = new AbortController();
      const serving = outcomeOf(bench.serve(aborter.signal));
      const early = await Promise.race([serving, sleep(A_WHILE_MS, 'it goes on')]);
      assert.equal(early, 'it goes on', `serve() should go on until its signal aborts, but ${early}`);
      aborter.abort();
      await promptly(serving, 'serve() should end when its signal aborts,');
      bench.found.clear();
      if (!source.isFixed) await source.hold([A, B]);
      await sleep(A_WHILE_MS);
      assert.deepEqual([...bench.found], [], 'serve() should find nothing after its end');
    },
  },
  {
    title: 'does not serve when its signal has aborted before',
    check: async ({ provider }) => {
      const bench = await provider();
      await bench.end();
      const serving = outcomeOf(bench.serve(AbortSignal.abort()));
      await promptly(serving, 'serve() should end when its signal has aborted before,');
    },
  },
  {
    title: 'finds a new name while it serves',
    needs: ['pushes'],
    ofChanges: true,
    check: async ({ source, provider }) => {
      const bench = await provider();
      await eventuallyAnswers(bench, []);
      await source.hold([B]);
      await eventuallyFinds(bench, B);
    },
  },
  {
    title: 'can be served again after its end',
    check: async ({ source, provider }) => {
      await source.hold([A]);
      const bench = await provider();
      await eventuallyAnswers(bench, [A]);
      await bench.end();
      bench.start();
      if (!source.isFixed) await source.hold([A, B]);
      await eventuallyAnswers(bench, source.isFixed ? [A] : [A, B]);
      if (source.pushes) await eventuallyFinds(bench, B);
    },
  },
  {
    title: 'serves again after its source failed',
    needs: ['fail', 'heal'],
    check: async ({ source, provider }) => {
      await source.hold([A]);
      const bench = await provider();
      await eventuallyAnswers(bench, [A]);
      await source.fail?.();
      await sleep(A_WHILE_MS);
      await source.heal?.();
      await source.hold([A, B]);
      await eventuallyAnswers(bench, [A, B]);
      if (source.pushes) await eventuallyFinds(bench, B);
    },
  },
  {
    title: 'ends while its source hangs',
    needs: ['hang', 'heal'],
    check: async ({ source, provider }) => {
      const bench = await provider();
      await eventuallyAnswers(bench, []);
      await source.hang?.();
      await sleep(A_WHILE_MS);
      await bench.end();
      await source.heal?.();
    },
  },
  {
    title: 'announces its node while it serves, and takes that back',
    needs: ['held'],
    check: async ({ source, provider }) => {
      const held = async () => [...((await source.held?.()) ?? [])].map(canonicalName).sort();
      await source.hold([A]);
      const bench = await provider();
      await eventually(async () => assert.deepEqual(await held(), [A, SELF.name].sort()));
      await bench.end();
      await eventually(async () => assert.deepEqual(await held(), [A]));
    },
  },
];

/** Names as fixtures hold them, all different. */
function manyNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `kit@198.18.${i >> 8}.${i & 255}:4001`);
}

/** A provider on its source, which is served and ended as the module does it. */
export async function onStage(
  factory: ProviderFactory,
  source: ProviderFixtures,
  check: Rule['check'],
): Promise<void> {
  const benches: ProviderHarness[] = [];
  const provider = async (): Promise<ProviderHarness> => {
    const bench = new ProviderHarness(await factory());
    benches.push(bench);
    bench.start();
    return bench;
  };
  await source.hold([]);
  try {
    await check({ source, provider });
  } finally {
    await Promise.all(benches.map((bench) => bench.end()));
  }
}

async function answers(
  source: ProviderFixtures,
  provider: Stage['provider'],
  held: readonly string[],
  expected: readonly string[] = held,
): Promise<void> {
  await source.hold(held);
  await eventuallyAnswers(await provider(), expected);
}

async function eventuallyAnswers(bench: ProviderHarness, expected: readonly string[]): Promise<void> {
  const sorted = [...expected].sort();
  await eventually(async () => assert.deepEqual(await bench.poll(), sorted));
}

async function eventuallyFinds(bench: ProviderHarness, name: string): Promise<void> {
  await eventually(() => assert.ok(bench.found.has(name), `serve() should find ${name} by itself`));
}

async function useOnce(bench: ProviderHarness): Promise<void> {
  await eventuallyAnswers(bench, [A]);
  await bench.end();
  // Asked once more without `serve`, as a tool does it.
  await bench.poll();
}
