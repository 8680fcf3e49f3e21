import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KubeEvent } from '../../../../lib/via/kubernetes/kube-api.js';
import { KubeCache } from '../../../../lib/via/kubernetes/kube-cache.js';
import { KubeStatusError } from '../../../../lib/via/kubernetes/kube-errors.js';
import { kubeSettings } from '../../../../lib/via/kubernetes/kube-options.js';
import { KubeSession } from '../../../../lib/via/kubernetes/kube-session.js';
import { sleep } from '../../../../lib/time/waiting.js';

const settings = kubeSettings({ service: 'web', namespace: 'prod', server: 'https://api' }, {});
const self = { name: 'kit@10.9.9.9:4001', bootId: '1', host: '10.9.9.9', port: 4001, meta: {} };
const event = (): KubeEvent => ({
  type: 'MODIFIED',
  object: { metadata: { name: 'web-a', resourceVersion: '7' }, endpoints: [{ addresses: ['10.0.0.1'] }] },
});
const expired = () => new KubeStatusError(410, 'too old resource version');

describe('a server that ends its watches', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  interface Watch {
    /** So long each goes on. */
    readonly heldMs?: number;
    readonly saysEvent?: boolean;
    /** How each ends. */
    readonly end?: () => Error;
  }

  /** What is asked within a time, and when. */
  async function asked(forMs: number, { heldMs = 0, saysEvent = false, end }: Watch) {
    const aborter = new AbortController();
    const lists: number[] = [];
    const watches: number[] = [];
    const api = {
      list: async () => (lists.push(performance.now()), { items: [], resourceVersion: '1' }),
      async *watch(_version: string, _seconds: number, signal: AbortSignal) {
        watches.push(performance.now());
        if (saysEvent) yield event();
        await sleep(heldMs, signal);
        if (end) throw end();
      },
    };
    const warnings = new Set<string>();
    const warn = (message: string) => void warnings.add(message);
    const context = { self, signal: aborter.signal, found: () => {}, warn };
    const running = new KubeSession(api, new KubeCache(settings), settings, context).run();
    await vi.advanceTimersByTimeAsync(forMs);
    aborter.abort();
    await vi.advanceTimersByTimeAsync(1);
    await running;
    return { lists, watches, warnings: [...warnings] };
  }

  const gapsOf = (times: readonly number[]) => times.slice(1).map((time, i) => time - times[i]!);

  it.each<[string, Watch]>([
    ['at once as too old', { end: expired }],
    ['as too old after an event', { saysEvent: true, end: expired }],
    ['after an event', { saysEvent: true, end: () => new Error('aborted') }],
    ['with a word, as if all were well', { saysEvent: true }],
    ['without a word', {}],
  ])('%s is asked ever more slowly, and that is told once', async (_what, watch) => {
    const { watches, warnings } = await asked(120_000, watch);
    expect(Math.min(...gapsOf(watches))).toBeGreaterThanOrEqual(800);
    expect(watches.length).toBeLessThan(20);
    expect(warnings).toEqual([
      expect.stringMatching(/lists endpointslices in namespace prod, but every watch .*https:\/\/api.*proxy/),
    ]);
  });

  it('after a while as too old is asked anew at once, and nobody is warned', async () => {
    const { lists, warnings } = await asked(60_000, { heldMs: 5_000, saysEvent: true, end: expired });
    expect(gapsOf(lists).map(Math.round)).toEqual(Array<number>(lists.length - 1).fill(5_000));
    expect(warnings).toEqual([]);
  });

  it('after a while, as its time is over, goes on at once with no new list', async () => {
    const { lists, watches } = await asked(60_000, { heldMs: 5_000 });
    expect(lists).toHaveLength(1);
    expect(gapsOf(watches).map(Math.round)).toEqual(Array<number>(watches.length - 1).fill(5_000));
  });
});
