import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KubeEvent, KubeList } from '../../../../lib/via/kubernetes/kube-api.js';
import { KubeCache } from '../../../../lib/via/kubernetes/kube-cache.js';
import { KubeStatusError } from '../../../../lib/via/kubernetes/kube-errors.js';
import { kubeSettings } from '../../../../lib/via/kubernetes/kube-options.js';
import { KubeSession } from '../../../../lib/via/kubernetes/kube-session.js';

const settings = kubeSettings({ service: 'web', namespace: 'prod', server: 'https://api' }, {});
const self = { name: 'app@10.0.0.1', bootId: '1', host: '10.0.0.1', port: 4370, meta: {} };

/** The addresses of the slices by name, as one list or one event has them. */
type Slices = Readonly<Record<string, readonly number[]>>;
type Step =
  | { readonly list: Slices }
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
      readonly name: string;
      readonly has: readonly number[];
    };

const slice = (name: string, has: readonly number[]) => ({
  metadata: { name, resourceVersion: '1' },
  endpoints: has.map((last) => ({ addresses: [`10.0.0.${last}`] })),
});

/** What a session hands over for each step. Each list but the first follows on a watch that is too old. */
async function handedOver(steps: readonly Step[], cache = new KubeCache(settings)): Promise<string[][]> {
  const aborter = new AbortController();
  const told: string[][] = [];
  let at = 0;
  const api = {
    list: async (): Promise<KubeList> => {
      const step = steps[at++]!;
      const slices = 'list' in step ? step.list : {};
      told.push([]);
      return { items: Object.entries(slices).map(([name, has]) => slice(name, has)), resourceVersion: '1' };
    },
    async *watch(): AsyncGenerator<KubeEvent> {
      // It has held, so that the next list comes at once.
      vi.advanceTimersByTime(5_000);
      for (let step = steps[at]; step && !('list' in step); step = steps[++at]) {
        told.push([]);
        yield { type: step.type, object: slice(step.name, step.has) };
      }
      if (at >= steps.length) aborter.abort();
      throw new KubeStatusError(410, 'too old');
    },
  };
  const found = (names: Iterable<string>) => void told.at(-1)!.push(...names);
  await new KubeSession(api, cache, settings, { self, signal: aborter.signal, found }).run();
  return told;
}

/** The same, by looking at everything each time. */
function expected(steps: readonly Step[]): string[][] {
  let slices: Slices = {};
  let known = new Set<number>();
  return steps.map((step) => {
    if ('list' in step) slices = step.list;
    else if (step.type === 'DELETED') {
      const { [step.name]: _gone, ...rest } = slices;
      slices = rest;
    } else if (step.type !== 'BOOKMARK') slices = { ...slices, [step.name]: step.has };
    const now = new Set(Object.values(slices).flat());
    const news = [...now].filter((last) => last !== 1 && !known.has(last));
    known = now;
    return news.map((last) => `app@10.0.0.${last}`);
  });
}

const sorted = (told: readonly string[][]) => told.map((names) => names.toSorted());

describe('the news of a watch', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are the names that were not there before, whatever lists and events say', async () => {
    const has = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 });
    const name = fc.constantFrom('a', 'b', 'c');
    const list = fc.record({ list: fc.dictionary(name, has) });
    const event = fc.record({
      type: fc.constantFrom('ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'),
      name,
      has,
    });
    const steps = fc.tuple(
      list,
      fc.array(fc.oneof({ weight: 5, arbitrary: event }, list), { maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(steps, async ([first, more]) => {
        const all = [first, ...more] as Step[];
        const cache = new KubeCache(settings);
        // The second one finds what the first one left in the cache, as after a restart of serve().
        for (let session = 0; session < 2; session++)
          expect(sorted(await handedOver(all, cache))).toEqual(sorted(expected(all)));
      }),
      { numRuns: 200 },
    );
  });

  it('cost as much for an event of thousands of pods as of a few', async () => {
    const cache = new KubeCache(settings);
    const all = vi.spyOn(cache, 'all');
    const events = Array.from(
      { length: 100 },
      (_, i) => ({ type: 'MODIFIED', name: 'a', has: [i + 2] }) as const,
    );
    await handedOver([{ list: { b: [1] } }, ...events], cache);
    expect(all.mock.calls.length).toBe(1);
  });
});
