import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DiscoveryEvent } from '../../../lib/discovery/poll-report.js';
import { ProviderHealth } from '../../../lib/discovery/provider-health.js';
import { ServeSupervisor } from '../../../lib/discovery/serve.supervisor.js';
import type { NodeInfo } from '../../../lib/naming/node-info.js';
import type { PeerageProvider, ServeContext } from '../../../lib/via/provider.js';
import { recorder } from '../../support/recorder.js';

const untilAbort = ({ signal }: ServeContext) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));

describe('the supervisor', () => {
  const events = recorder<DiscoveryEvent>();
  const found = recorder<unknown>();
  const warn = recorder<string>();
  let self: NodeInfo = { name: 'a@h', bootId: '1', host: 'h', port: 1, meta: {} };

  function supervisor(serve?: PeerageProvider['serve']): ServeSupervisor {
    const provider: PeerageProvider = { poll: () => [], ...(serve ? { serve } : {}) };
    const health = new ProviderHealth('src', events);
    return new ServeSupervisor({ name: 'src', provider }, health, {
      self: () => self,
      random: () => 0.5,
      found,
      warn,
    });
  }

  beforeEach(() => {
    vi.useFakeTimers();
    for (const { heard } of [events, found, warn]) heard.length = 0;
  });
  afterEach(() => void vi.useRealTimers());

  it('has nothing to do for a provider that only polls', async () => {
    const one = supervisor();
    one.start();
    await one.stop();
    expect(events.heard).toEqual([]);
  });

  it('runs serve once, passes on what it finds, and ends it', async () => {
    const serve = vi.fn((context: ServeContext) => {
      context.found(['b@h']);
      return untilAbort(context).then(() => context.found(['late@h']));
    });
    const one = supervisor(serve);
    one.start();
    one.start();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(serve).toHaveBeenCalledOnce();
    await one.stop();
    expect(found.heard).toEqual([['b@h']]);
    expect(warn.heard).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('tells serve of itself as it is when it asks', async () => {
    let context: ServeContext | undefined;
    const one = supervisor((given) => {
      context = given;
      return untilAbort(given);
    });
    one.start();
    self = { ...self, meta: { zone: 'b' } };
    expect(context?.self.meta).toEqual({ zone: 'b' });
    await one.stop();
  });

  it.each<[string, () => Promise<void>]>([
    ['rejects', () => Promise.reject(new Error('socket is gone'))],
    ['returns early', () => Promise.resolve()],
    [
      'throws at once',
      () => {
        throw new Error('not even a promise');
      },
    ],
  ])('restarts one that %s, with growing pauses, and says so once', async (_how, behave) => {
    const starts: number[] = [];
    const serve = () => {
      starts.push(performance.now());
      return behave();
    };
    const one = supervisor(serve);
    one.start();
    await vi.advanceTimersByTimeAsync(200_000);
    const pauses = starts.slice(1).map((at, i) => Math.round(at - starts[i]!));
    expect(pauses.slice(0, 8)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(events.heard.map(({ type }) => type)).toEqual(['provider.failed']);
    await one.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('calls it recovered when it has run for a while, and begins with short pauses again', async () => {
    const starts: number[] = [];
    const one = supervisor((context) => {
      starts.push(performance.now());
      if (starts.length < 4) return Promise.reject(new Error('not yet'));
      if (starts.length > 4) return untilAbort(context);
      return new Promise((_resolve, reject) => setTimeout(() => reject(new Error('again')), 31_000));
    });
    one.start();
    await vi.advanceTimersByTimeAsync(250 + 500 + 1_000 + 30_000);
    expect(events.heard.map(({ type }) => type)).toEqual(['provider.failed', 'provider.recovered']);
    await vi.advanceTimersByTimeAsync(1_000 + 250);
    expect(starts).toHaveLength(5);
    expect(events.heard.at(-1)?.type).toBe('provider.failed');
    await one.stop();
  });

  it('calls it recovered soon after it has handed over names, and not because it was started', async () => {
    let starts = 0;
    const one = supervisor((context) => {
      if (++starts === 1) return Promise.reject(new Error('denied'));
      setTimeout(() => context.found([]), 5_000);
      return untilAbort(context);
    });
    one.start();
    await vi.advanceTimersByTimeAsync(250 + 5_000);
    expect(events.heard.map(({ type }) => type)).toEqual(['provider.failed']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(events.heard.map(({ type }) => type)).toEqual(['provider.failed', 'provider.recovered']);
    await one.stop();
  });

  it('does not wait for ever for one that ignores its signal', async () => {
    const one = supervisor(() => new Promise(() => undefined));
    one.start();
    // Whoever asks again waits for the same end.
    const stopping = [one.stop(), one.stop()];
    await vi.advanceTimersByTimeAsync(2_000);
    await Promise.all([...stopping, one.stop()]);
    expect(warn.heard).toEqual([
      expect.stringContaining('Provider src did not end its serve() within 2000 ms'),
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('can be stopped during a pause', async () => {
    const serve = vi.fn(() => Promise.reject(new Error('no')));
    const one = supervisor(serve);
    one.start();
    await vi.advanceTimersByTimeAsync(10);
    await one.stop();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(serve).toHaveBeenCalledOnce();
  });
});
