import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { AnswerWarnings } from '../../../lib/discovery/answer-warnings.js';
import { ProviderHealth } from '../../../lib/discovery/provider-health.js';
import { ProviderPoller } from '../../../lib/discovery/provider-poller.js';
import type { DiscoveryEvent } from '../../../lib/discovery/poll-report.js';
import type { NodeInfo } from '../../../lib/naming/node-info.js';
import type { Clock } from '../../../lib/time/clock.js';
import type { PeerageProvider, PollContext } from '../../../lib/via/provider.js';
import { deferred, recorder } from '../../support/recorder.js';

const self: NodeInfo = { name: 'a@h', bootId: '1', host: 'h', port: 4370, meta: {} };
const never = new AbortController().signal;

function poller(
  poll: (context: PollContext) => unknown,
  limits = { pollMs: 5_000, polledNames: 5 },
  clock?: Clock,
) {
  const events = recorder<DiscoveryEvent>();
  const warn = recorder<string>();
  const provider = { poll } as PeerageProvider;
  const health = new ProviderHealth('src', events);
  const warnings = new AnswerWarnings('src', { ...limits, hintedNames: 5 }, warn);
  return {
    one: new ProviderPoller({ name: 'src', provider }, limits, health, warnings, clock),
    events,
    warn,
  };
}

describe('polling one provider', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('reports its names', async () => {
    const { one, events } = poller(() => ['a@h', 'nonsense']);
    expect(one.hasAnswer).toBe(false);
    expect(await one.poll(self, never)).toMatchObject({
      provider: 'src',
      names: ['a@h'],
      invalid: ['nonsense'],
    });
    expect(one.hasAnswer).toBe(true);
    expect(events.heard).toEqual([]);
  });

  it('keeps the last good answer while it fails, and says so once', async () => {
    const answers: (() => unknown)[] = [
      () => ['a@h'],
      () => {
        throw new Error('source is away');
      },
      () => Promise.reject(new Error('still away')),
      () => 'a@h',
      () => [],
    ];
    const { one, events } = poller(() => answers.shift()!());
    await one.poll(self, never);
    for (const message of ['source is away', 'still away', 'It gave the text'])
      expect(await one.poll(self, never)).toMatchObject({
        names: ['a@h'],
        error: { message: expect.stringContaining(message) },
      });
    expect(events.heard.map(({ type }) => type)).toEqual(['provider.failed']);
    const report = await one.poll(self, never);
    expect(report.names).toEqual([]);
    expect(report).not.toHaveProperty('error');
    expect(events.heard.map(({ type }) => type)).toEqual(['provider.failed', 'provider.recovered']);
  });

  it('reads what has arrived when its own event loop was late to the end, and says that it was', async () => {
    let nowMs = 0;
    const timers: (() => void)[] = [];
    const clock = {
      now: () => nowMs,
      after: (_ms: number, fire: () => void) => (timers.push(fire), () => {}),
    };
    const polls = [deferred<string[]>(), deferred<string[]>()];
    const { one } = poller(() => polls.shift()!.promise, undefined, clock);
    const [inTime] = polls;
    const first = one.poll(self, never);
    nowMs = 9_000;
    timers.shift()!();
    await Promise.resolve();
    inTime!.resolve(['a@h']);
    expect(await first).toMatchObject({ names: ['a@h'] });
    const second = one.poll(self, never);
    await Promise.resolve();
    nowMs = 18_000;
    timers.pop()!();
    await vi.waitFor(() => expect(timers.length).toBeGreaterThan(1));
    nowMs = 22_000;
    timers.pop()!();
    expect((await second).error?.message).toMatch(
      /^It did not answer within 5000 ms, while this node's own event loop stood still for part of 13\.0 s\./,
    );
  });

  it.each([
    [
      'its own words',
      () => new PeerageError('PROVIDER_TIMEOUT', 'The name servers are slow.'),
      'The name servers are slow.',
    ],
    [
      'the reason of its signal',
      (signal: AbortSignal) => signal.reason as Error,
      'Where it needs more time, raise limits.pollMs.',
    ],
  ])('has %s, when it heeds its signal, for the reason why it was too late', async (_what, errorOf, told) => {
    const heed = async ({ signal }: PollContext): Promise<string[]> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(errorOf(signal))));
    const { one } = poller(async (context) => [...(await heed(context))]);
    const report = one.poll(self, never);
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await report).error).toMatchObject({
      code: 'PROVIDER_TIMEOUT',
      message: `It did not answer within 5000 ms. ${told}`,
    });
  });

  it('makes an Error of whatever is thrown', async () => {
    const { one } = poller(() => {
      // oxlint-disable-next-line no-throw-literal
      throw 'oops';
    });
    expect((await one.poll(self, never)).error).toEqual(new Error('oops'));
  });

  it('does not wait longer than the deadline, aborts then, and asks nobody who still hangs', async () => {
    const hanging = deferred<string[]>();
    const signals: AbortSignal[] = [];
    const poll = vi.fn(({ signal }: PollContext) => {
      signals.push(signal);
      return hanging.promise;
    });
    const { one } = poller(poll);
    const first = one.poll(self, never);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(signals[0]!.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((await first).error).toMatchObject({ code: 'PROVIDER_TIMEOUT' });
    expect(signals[0]!.aborted).toBe(true);

    expect((await one.poll(self, never)).error?.message).toContain('still has not ended');
    expect(poll).toHaveBeenCalledOnce();

    hanging.resolve(['late@h']);
    await vi.advanceTimersByTimeAsync(0);
    expect((await one.poll(self, never)).names).toEqual(['late@h']);
    expect(poll).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves the signal alone when the answer came in time', async () => {
    let signal: AbortSignal | undefined;
    const { one } = poller((context) => {
      ({ signal } = context);
      return [];
    });
    await one.poll(self, never);
    expect(signal?.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends at once when the app stops, and blames nobody', async () => {
    const stop = new AbortController();
    let signal: AbortSignal | undefined;
    const { one, events } = poller((context) => {
      ({ signal } = context);
      return new Promise(() => undefined);
    });
    const report = one.poll(self, stop.signal);
    stop.abort();
    expect((await report).error).toMatchObject({ code: 'ABORTED' });
    expect(signal?.aborted).toBe(true);
    expect(events.heard).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('warns once of the same malformed name, and once of too many names', async () => {
    const { one, warn } = poller(() => ['bad', 'b@h', 'c@h', 'd@h', 'e@h', 'f@h']);
    await one.poll(self, never);
    await one.poll(self, never);
    expect(warn.heard).toEqual([
      'Provider src gave names that are skipped, as they are not app@host: "bad"',
      expect.stringContaining('more than 5 names'),
    ]);
  });
});
