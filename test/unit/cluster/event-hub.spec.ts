import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClusterEvent } from '../../../lib/cluster/cluster.events.js';
import { EventHub } from '../../../lib/cluster/event-hub.js';
import type { PeerageDiagnostic } from '../../../lib/diagnostics/channels.js';
import { diagnosticsChannelName } from '../../../lib/diagnostics/channels.js';
import type { Peer } from '../../../lib/membership/events.js';
import { systemClock } from '../../../lib/time/clock.js';
import { CapturedLog } from '../../support/captured-log.js';
import { FakeNetwork } from '../../support/mesh/fake-mesh.js';
import { settings } from '../../support/peerage-settings.js';
import { recorder, turns } from '../../support/recorder.js';

function setUp() {
  const mesh = new FakeNetwork().mesh(settings());
  const hub = new EventHub(mesh, systemClock);
  mesh.subscribe((event) => hub.emit(event));
  return { mesh, hub };
}

const names = (peers: readonly Peer[]) => peers.map(({ name }) => name);

describe('events', () => {
  const log = new CapturedLog();
  beforeEach(() => {
    log.lines.length = 0;
    Logger.overrideLogger(log);
  });

  it('go to the listeners of their type, with the time, until those end', () => {
    const { mesh, hub } = setUp();
    const up = recorder<ClusterEvent>();
    const down = recorder<ClusterEvent>();
    const off = hub.on('peer.up', up);
    hub.on('peer.down', down);
    mesh.join('b@h');
    off();
    off();
    mesh.join('c@h');
    expect(up.heard).toMatchObject([{ type: 'peer.up', peer: { name: 'b@h' }, at: expect.any(Date) }]);
    expect(down.heard).toEqual([]);
  });

  it('keep two listeners apart that are the same function', () => {
    const { mesh, hub } = setUp();
    const up = recorder<ClusterEvent>();
    const off = hub.on('peer.up', up);
    hub.on('peer.up', up);
    off();
    mesh.join('b@h');
    expect(up.heard).toHaveLength(1);
  });

  it('come in the same order to everybody, whatever listeners cause', () => {
    const { mesh, hub } = setUp();
    const seen = recorder<string>();
    hub.on('peer.up', () => mesh.lose('b@h', 'disconnected'));
    hub.onAny(({ type }) => seen(type));
    mesh.join('b@h');
    expect(seen.heard).toEqual(['peer.up', 'peer.down']);
  });

  it('reach everybody, though a listener throws or rejects', async () => {
    const { mesh, hub } = setUp();
    const seen = recorder<ClusterEvent>();
    hub.on('peer.up', () => {
      throw new Error('thrown');
    });
    hub.on('peer.up', () => Promise.reject(new Error('rejected')));
    hub.on('peer.up', seen);
    mesh.join('b@h');
    await turns();
    expect(seen.heard).toHaveLength(1);
    expect(log.lines).toEqual([
      'error A listener to peer.up failed: thrown',
      'error A listener to peer.up failed: rejected',
    ]);
  });

  it('come after the peers have changed', () => {
    const { mesh, hub } = setUp();
    const current = recorder<string[]>();
    const atEvent = recorder<number>();
    hub.peers$.subscribe((peers) => current(names(peers)));
    hub.on('peer.up', () => atEvent(current.heard.length));
    mesh.join('c@h');
    mesh.join('b@h');
    mesh.say({
      type: 'peer.refused',
      address: 'x:1',
      code: 'WRONG_SECRET',
      message: '',
      direction: 'inbound',
    });
    mesh.lose('c@h', 'left');
    expect(current.heard).toEqual([[], ['c@h'], ['b@h', 'c@h'], ['b@h']]);
    expect(atEvent.heard).toEqual([2, 3]);
    const late = recorder<string[]>();
    hub.peers$.subscribe((peers) => late(names(peers)));
    expect(late.heard).toEqual([['b@h']]);
  });

  it('end with the hub', () => {
    const { mesh, hub } = setUp();
    const ends = recorder<string>();
    const seen = recorder<ClusterEvent>();
    hub.onAny(seen);
    hub.events$.subscribe({ next: seen, complete: () => ends('events') });
    hub.peers$.subscribe({ complete: () => ends('peers') });
    hub.complete();
    mesh.join('b@h');
    expect(seen.heard).toEqual([]);
    expect(ends.heard.sort()).toEqual(['events', 'peers']);
  });

  it('are published for those who watch from outside, with the node that saw them', () => {
    const { mesh, hub } = setUp();
    const published = recorder<PeerageDiagnostic>();
    const watch = (message: unknown) => published(message as PeerageDiagnostic);
    subscribe('peerage:peer.up', watch);
    try {
      mesh.join('b@h');
      hub.emit({ type: 'provider.recovered', provider: 'dns', failedForMs: 0 });
      hub.complete();
      mesh.join('c@h');
    } finally {
      unsubscribe('peerage:peer.up', watch);
    }
    expect(published.heard).toMatchObject([
      { self: mesh.self, event: { type: 'peer.up', peer: { name: 'b@h' } } },
    ]);
    expect(diagnosticsChannelName('peer.up')).toBe('peerage:peer.up');
  });
});
