import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AnswerWarnings } from '../../../lib/discovery/answer-warnings.js';
import { nameProviders } from '../../../lib/discovery/named-provider.js';
import { Poller } from '../../../lib/discovery/poller.js';
import type { DiscoveryEvent, PollReport } from '../../../lib/discovery/poll-report.js';
import { ProviderHealth } from '../../../lib/discovery/provider-health.js';
import { ProviderPoller } from '../../../lib/discovery/provider-poller.js';
import type { PeerageProvider } from '../../../lib/via/provider.js';
import { FakeNetwork } from '../../support/mesh/fake-mesh.js';
import { settings } from '../../support/peerage-settings.js';
import { deferred, recorder } from '../../support/recorder.js';

const limits = { pollMs: 5_000, polledNames: 100, hintedNames: 100 };
const warnings = new AnswerWarnings('any', limits, () => undefined);

describe('a poll', () => {
  const network = new FakeNetwork();
  const a = network.mesh(settings({ name: 'a@127.0.0.1:1' }));
  const b = network.mesh(settings({ name: 'b@127.0.0.1:2' }));
  const events = recorder<DiscoveryEvent>();
  const reports = recorder<PollReport>();
  let stop = new AbortController();

  function pollerOf(...providers: PeerageProvider[]): Poller {
    stop = new AbortController();
    const pollers = nameProviders(providers).map(
      (named) => new ProviderPoller(named, limits, new ProviderHealth(named.name, events), warnings),
    );
    return new Poller(a, pollers, {
      waitMs: limits.pollMs,
      stopped: stop.signal,
      report: reports,
      warn: () => undefined,
    });
  }

  beforeEach(async () => {
    vi.useFakeTimers();
    reports.heard.length = 0;
    if (a.state === 'new') await Promise.all([a.start(), b.start()]);
    a.calls.length = 0;
    a.foundGate = Promise.resolve();
  });
  afterEach(() => void vi.useRealTimers());

  it('unites the answers and tells how each name fared', async () => {
    const list = (...names: string[]): PeerageProvider => ({ name: 'list', poll: () => names });
    const poller = pollerOf(list('a@127.0.0.1:1', 'b@127.0.0.1:2'), list('b@127.0.0.1:2', 'c@127.0.0.1:3'));
    const report = await poller.poll();
    expect(report.providers.map(({ provider }) => provider)).toEqual(['list', 'list#2']);
    expect(report.results.map(({ name, result }) => [name, result])).toEqual([
      ['a@127.0.0.1:1', 'self'],
      ['b@127.0.0.1:2', 'connected'],
      ['c@127.0.0.1:3', 'failed'],
    ]);
    expect(report.live).toEqual(['a@127.0.0.1:1', 'b@127.0.0.1:2']);
    expect(reports.heard).toEqual([report]);
    expect(a.calls.map(({ source }) => source)).toEqual([
      { provider: 'list', as: 'answer' },
      { provider: 'list#2', as: 'answer' },
    ]);
  });

  it('is one for all who ask meanwhile', async () => {
    const answer = deferred<string[]>();
    const poll = vi.fn(() => answer.promise);
    const poller = pollerOf({ poll });
    const [first, second] = [poller.poll(), poller.poll()];
    answer.resolve([]);
    expect(await first).toBe(await second);
    expect(poll).toHaveBeenCalledOnce();
    await poller.poll();
    expect(poll).toHaveBeenCalledTimes(2);
  });

  it('hands over the names of one provider while another hangs, which then keeps nothing back', async () => {
    const poller = pollerOf(
      { name: 'hangs', poll: () => new Promise(() => undefined) },
      { name: 'works', poll: () => ['b@127.0.0.1:2'] },
    );
    const report = poller.poll();
    await vi.advanceTimersByTimeAsync(0);
    expect(a.calls.map(({ names }) => names)).toEqual([['b@127.0.0.1:2']]);
    await vi.advanceTimersByTimeAsync(limits.pollMs);
    expect(
      (await report).providers.map(({ error }) => (error as { code?: string } | undefined)?.code),
    ).toEqual(['PROVIDER_TIMEOUT', undefined]);
  });

  it('hands over the last good answer while a provider fails, and nothing when there never was one', async () => {
    const answers: (string[] | undefined)[] = [undefined, ['b@127.0.0.1:2'], undefined];
    const poller = pollerOf({ poll: () => answers.shift()! });
    for (let i = 0; i < 3; i++) await poller.poll();
    expect(a.calls.map(({ names }) => names)).toEqual([['b@127.0.0.1:2'], ['b@127.0.0.1:2']]);
  });

  it('waits for attempts no longer than the deadline, and says what is known then', async () => {
    a.foundGate = new Promise(() => undefined);
    const poller = pollerOf({ poll: () => ['a@127.0.0.1:1', 'b@127.0.0.1:2', 'z@127.0.0.1:9'] });
    const report = poller.poll();
    await vi.advanceTimersByTimeAsync(limits.pollMs);
    expect((await report).results.map(({ result }) => result)).toEqual(['self', 'connected', 'pending']);
  });

  it('survives a mesh that rejects', async () => {
    a.foundGate = Promise.reject(new Error('mesh is broken'));
    a.foundGate.catch(() => undefined);
    const poller = pollerOf({ poll: () => ['b@127.0.0.1:2'] });
    expect((await poller.poll()).results).toEqual([]);
  });

  it('rejects when the app stops meanwhile, without telling the mesh', async () => {
    const poller = pollerOf({ poll: () => new Promise(() => undefined) }, { poll: () => [] });
    const report = poller.poll();
    stop.abort();
    await expect(report).rejects.toMatchObject({ code: 'ABORTED' });
    expect(a.calls).toEqual([]);
    expect(reports.heard).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
