import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DiscoveryEvent } from '../../../lib/discovery/poll-report.js';
import { ProviderHealth } from '../../../lib/discovery/provider-health.js';
import { VirtualClock } from '../../../lib/testing/cluster/virtual-clock.js';
import { recorder } from '../../support/recorder.js';

const MINUTE_MS = 60_000;

function world() {
  const clock = new VirtualClock();
  const events = recorder<DiscoveryEvent>();
  const health = new ProviderHealth('src', events, clock);
  const told = () =>
    events.heard.map((event) => (event.type === 'provider.failed' ? event.error.message : event.type));
  return { clock, health, told };
}

describe('a provider that fails', () => {
  it('is told of once for one cause, whatever numbers its words have', () => {
    const { clock, health, told } = world();
    for (let poll = 0; poll < 200; poll++) {
      health.failed('poll', new Error(`connect ECONNREFUSED 10.0.0.7:${40_000 + poll}`));
      clock.advance(MINUTE_MS / 6);
    }
    expect(told()).toEqual(['connect ECONNREFUSED 10.0.0.7:40000']);
  });

  it('is told of again for the cause that it has a minute later, and of the first one again when it had worked', () => {
    const { clock, health, told } = world();
    const fail = (message: string): void => {
      health.failed('poll', new Error(message));
      clock.advance(MINUTE_MS / 6);
    };
    fail('connection refused');
    for (let poll = 0; poll < 6; poll++) fail('wrong password');
    fail('connection refused');
    expect(told()).toEqual(['connection refused', 'wrong password']);
    health.answered([]);
    fail('connection refused');
    expect(told().slice(2)).toEqual(['provider.recovered', 'connection refused']);
  });

  it('says no more than a line a minute, and twenty, whatever it fails for', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 50, maxLength: 400 }), (causes) => {
        const { clock, health, told } = world();
        for (const cause of causes) {
          health.failed('poll', new Error(cause));
          clock.advance(MINUTE_MS / 6);
        }
        expect(told().length).toBeLessThanOrEqual(Math.min(20, 1 + causes.length / 6));
        expect(told()[0]).toBe(causes[0]);
      }),
      { numRuns: 30 },
    );
  });
});
