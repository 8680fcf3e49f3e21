import { describe, expect, it } from 'vitest';
import { nameProviders } from '../../../lib/discovery/named-provider.js';
import { ProviderHealth } from '../../../lib/discovery/provider-health.js';
import type { DiscoveryEvent } from '../../../lib/discovery/poll-report.js';
import { viaList } from '../../../lib/via/via-list.js';
import { recorder } from '../../support/recorder.js';

class Registry {
  poll = () => [];
}

describe('the names of providers', () => {
  it('are their own, else their class, and each only once', () => {
    const plain = { poll: () => [] };
    const list = [viaList([]), new Registry(), viaList([]), plain, { ...plain, name: 'list#2' }, viaList([])];
    expect(nameProviders(list).map(({ name }) => name)).toEqual([
      'list',
      'Registry',
      'list#2',
      'provider',
      'list#2#2',
      'list#3',
    ]);
  });
});

describe('the health of a provider', () => {
  it('is told when it changes as a whole', () => {
    const events = recorder<DiscoveryEvent>();
    const health = new ProviderHealth('src', events);
    health.worked('poll');
    health.failed('serve', new Error('one'));
    health.failed('poll', new Error('two'));
    health.worked('serve');
    health.worked('serve');
    health.worked('poll');
    expect(events.heard).toEqual([
      { type: 'provider.failed', provider: 'src', error: new Error('one') },
      expect.objectContaining({ type: 'provider.recovered', provider: 'src' }),
    ]);
  });
});
