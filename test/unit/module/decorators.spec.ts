import { Controller, Injectable, Logger, Module, Scope } from '@nestjs/common';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { OnClusterEvent, OnPeerDown, OnPeerUp } from '../../../lib/index.js';
import type { ClusterEvent, ClusterEventOf, DownReason, Peer } from '../../../lib/index.js';
import type { FakeApp, FakeAppOptions } from '../../support/apps/nest-app.js';
import { fakeApp } from '../../support/apps/nest-app.js';
import { deferred, recorder, turns } from '../../support/recorder.js';

describe('the decorators', () => {
  let app: FakeApp | undefined;
  afterEach(() => app?.module.close());

  async function start(options: FakeAppOptions): Promise<FakeApp> {
    app = await fakeApp(options);
    await app.module.init();
    return app;
  }

  it('call methods of providers and controllers, on their instance', async () => {
    const calls = recorder<string>();

    @Injectable()
    class Cache {
      private readonly prefix = 'cache';
      @OnPeerUp()
      up({ peer }: ClusterEventOf<'peer.up'>) {
        calls(`${this.prefix} up ${peer.name}`);
      }
      @OnPeerDown()
      down({ peer, reason }: ClusterEventOf<'peer.down'>) {
        calls(`${this.prefix} down ${peer.name} ${reason}`);
      }
    }
    @Controller()
    class Status {
      @OnClusterEvent('peer.updated')
      updated() {
        calls('status updated');
      }
    }
    @Module({ providers: [Cache], controllers: [Status] })
    class Feature {}

    const { mesh } = await start({ imports: [Feature] });
    const peer = mesh.join('b@h');
    mesh.say({ type: 'peer.updated', peer, previous: peer });
    mesh.lose('b@h', 'left');
    expect(calls.heard).toEqual(['cache up b@h', 'status updated', 'cache down b@h left']);
  });

  it('can be repeated on a method, which is still never called twice at once for one peer', async () => {
    const calls = recorder<string>();
    const gate = deferred();

    @Injectable()
    class Presence {
      @OnPeerUp()
      @OnPeerDown()
      @OnClusterEvent('peer.up')
      async changed(event: ClusterEventOf<'peer.up' | 'peer.down'>) {
        calls(event.type);
        await gate.promise;
      }
    }
    const { mesh } = await start({ providers: [Presence] });
    mesh.join('b@h');
    mesh.lose('b@h', 'left');
    mesh.join('c@h');
    await turns();
    expect(calls.heard).toEqual(['peer.up', 'peer.up']);
    gate.resolve();
    await turns();
    expect(calls.heard).toEqual(['peer.up', 'peer.up', 'peer.down']);
  });

  it('harm nobody when a method throws or rejects', async () => {
    const calls = recorder<string>();

    @Injectable()
    class Broken {
      @OnPeerUp()
      throws() {
        throw new Error('thrown');
      }
      @OnPeerUp()
      async rejects() {
        throw new Error('rejected');
      }
      @OnPeerUp()
      works() {
        calls('works');
      }
    }
    const { mesh, log } = await start({ providers: [Broken] });
    mesh.join('b@h');
    await turns();
    mesh.join('c@h');
    expect(calls.heard).toEqual(['works', 'works']);
    expect(log.matching('error Broken').slice(0, 2)).toEqual([
      'error Broken.throws failed on peer.up: thrown',
      'error Broken.rejects failed on peer.up: rejected',
    ]);
  });

  it('skip providers without a single instance, and say so', async () => {
    const calls = recorder<string>();

    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @OnPeerUp()
      up() {
        calls('request');
      }
    }
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @OnPeerUp()
      up() {
        calls('transient');
      }
    }
    @Injectable()
    class Dependent {
      constructor(readonly request: PerRequest) {}
      @OnPeerUp()
      up() {
        calls('dependent');
      }
    }
    const { mesh, log } = await start({ providers: [PerRequest, Transient, Dependent] });
    mesh.join('b@h');
    expect(calls.heard).toEqual([]);
    expect(log.matching('will not hear peer.up').map((line) => line.split(' will')[0])).toEqual([
      'warn PerRequest.up',
      'warn Transient.up',
      'warn Dependent.up',
    ]);
  });

  it('call an instance once that is known under several tokens, and inherited methods', async () => {
    const calls = recorder<string>();
    class Base {
      @OnPeerUp()
      up() {
        calls(this.constructor.name);
      }
    }
    @Injectable()
    class Child extends Base {}
    await start({ providers: [Child, { provide: 'ALIAS', useExisting: Child }] });
    app!.mesh.join('b@h');
    expect(calls.heard).toEqual(['Child']);
  });

  it('hear what happens from the start on', async () => {
    const calls = recorder<string>();
    @Injectable()
    class Early {
      @OnClusterEvent('poll')
      polled() {
        calls('poll');
      }
    }
    const { cluster } = await start({ providers: [Early], peerage: { syncOffsetMs: 60_000 } });
    await cluster.poll();
    expect(calls.heard).toEqual(['poll']);
    Logger.overrideLogger(false);
  });

  it('check the type of the method', () => {
    class Typed {
      @OnPeerUp()
      nothing() {}
      @OnPeerUp()
      exact(_event: ClusterEventOf<'peer.up'>) {}
      @OnPeerUp()
      wider(_event: ClusterEvent) {}
      @OnPeerUp()
      structural(_event: { peer: Peer; at: Date }) {}
      @OnPeerDown()
      async promised(_event: ClusterEventOf<'peer.down'>): Promise<void> {}
      // @ts-expect-error a peer.up carries no reason
      @OnPeerUp()
      wrong(_event: ClusterEventOf<'peer.down'>) {}
      // @ts-expect-error a poll carries no peer
      @OnClusterEvent('poll')
      other(_event: { peer: Peer }) {}
      // @ts-expect-error one event at a time
      @OnPeerUp()
      two(_event: ClusterEventOf<'peer.up'>, _more: string) {}
    }
    expect(Typed).toBeDefined();
    // @ts-expect-error there is no such event
    expect(() => OnClusterEvent('peer.upp')).toThrow(/did you mean "peer.up"/);
    expectTypeOf<ClusterEventOf<'peer.down'>['reason']>().toEqualTypeOf<DownReason>();
    expectTypeOf<ClusterEventOf<'peer.refused'>['at']>().toEqualTypeOf<Date>();
  });
});
