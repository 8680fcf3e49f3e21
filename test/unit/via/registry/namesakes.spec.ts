import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Namesakes } from '../../../../lib/via/registry/namesakes.js';
import type { RegistryEntry } from '../../../../lib/via/registry/registry.js';

const TTL_MS = 100;
const self = { name: 'app@10.0.2.15', bootId: 'own' };
const named = (bootId: string, name = self.name): RegistryEntry => ({ name, bootId });

/** A process that has our name from `fromMs` on and is killed at `killedAtMs`; it refreshes its entry until then. */
interface Process {
  readonly fromMs: number;
  readonly killedAtMs: number;
}

const process = fc
  .record({ fromMs: fc.integer({ min: -300, max: 500 }), lifeMs: fc.integer({ min: 0, max: 500 }) })
  .map(({ fromMs, lifeMs }): Process => ({ fromMs, killedAtMs: fromMs + lifeMs }));

it('one that was killed is never taken for live, and one that lives is found after its time', () => {
  fc.assert(
    fc.property(
      fc.array(process, { maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 }),
      (processes, pauses) => {
        const namesakes = new Namesakes(TTL_MS);
        const seenSince = new Map<string, number>();
        let nowMs = 0;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          const present = processes.flatMap(({ fromMs, killedAtMs }, i) =>
            fromMs <= nowMs && nowMs < killedAtMs + TTL_MS ? [{ bootId: `p${i}`, killedAtMs }] : [],
          );
          for (const { bootId } of present) seenSince.set(bootId, seenSince.get(bootId) ?? nowMs);
          const found = namesakes.look(
            self,
            [named('own'), ...present.map(({ bootId }) => named(bootId))],
            nowMs,
          );
          const wasAliveAfterFirstSight = present
            .filter(({ bootId, killedAtMs }) => killedAtMs > seenSince.get(bootId)!)
            .map(({ bootId }) => bootId);
          if (found !== undefined) expect(wasAliveAfterFirstSight).toContain(found.bootId);
          const isDue = present.some(({ bootId }) => nowMs - seenSince.get(bootId)! >= TTL_MS);
          expect(found !== undefined).toBe(isDue);
        }
      },
    ),
  );
});

it('a name without a boot id, one of others, and one that a node had before, are none of ours', () => {
  const namesakes = new Namesakes(TTL_MS);
  const entries = [
    { name: self.name },
    named('own'),
    named('other', 'app@10.0.0.1'),
    named('moved'),
    named('moved', 'app@10.0.0.2'),
  ];
  expect([0, TTL_MS, 2 * TTL_MS].map((nowMs) => namesakes.look(self, entries, nowMs))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it('begins anew under another name of ours', () => {
  const namesakes = new Namesakes(TTL_MS);
  expect(namesakes.look(self, [named('other')], 0)).toBeUndefined();
  const renamed = { ...self, name: 'app@10.0.0.5' };
  expect(namesakes.look(renamed, [named('other', renamed.name)], TTL_MS)).toBeUndefined();
  expect(namesakes.look(renamed, [named('other', renamed.name)], 2 * TTL_MS)).toEqual({
    bootId: 'other',
    hasMoved: false,
  });
});

it('one of our name that takes another one was live, which is told once', () => {
  const namesakes = new Namesakes(TTL_MS);
  const moved = named('other', 'app@10.0.0.6');
  expect(namesakes.look(self, [moved], 0)).toBeUndefined();
  expect(namesakes.look(self, [named('other')], 1)).toBeUndefined();
  expect(namesakes.look(self, [named('other'), moved], 2)).toEqual({ bootId: 'other', hasMoved: true });
  expect(namesakes.look(self, [moved], 3)).toBeUndefined();
});
