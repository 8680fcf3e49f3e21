import { Injectable, Module } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterService, PeerageError, PeerageModule } from '../../../lib/index.js';
import type { PeerageModuleOptions, PeerageOptionsFactory } from '../../../lib/index.js';
import { PeerageLifecycle } from '../../../lib/cluster/peerage.lifecycle.js';
import { PEERAGE_SETTINGS } from '../../../lib/peerage.constants.js';
import type { PeerageSettings } from '../../../lib/peerage.options.js';
import { thrownBy } from '../../support/errors.js';
import type { FakeApp, FakeAppOptions } from '../../support/apps/nest-app.js';
import { fakeApp } from '../../support/apps/nest-app.js';
import { deferred, turns } from '../../support/recorder.js';

let apps: FakeApp[] = [];
async function make(options: FakeAppOptions = {}): Promise<FakeApp> {
  const app = await fakeApp(options);
  apps.push(app);
  return app;
}
afterEach(async () => {
  await Promise.all(apps.map(({ module }) => module.close()));
  apps = [];
});

describe('start', () => {
  it('opens nothing before onApplicationBootstrap, and then the mesh first', async () => {
    const order: string[] = [];
    const via = {
      poll: () => (order.push('poll'), []),
      serve: async ({ signal }: { signal: AbortSignal }) => {
        order.push('serve');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const { module, mesh } = await make({ peerage: { via } });
    expect(mesh.state).toBe('new');
    const gate = deferred();
    mesh.startGate = gate.promise;
    const init = module.init();
    await turns(100);
    expect(order).toEqual([]);
    gate.resolve();
    await init;
    expect(order).toEqual(['serve']);
    await expect.poll(() => order).toEqual(['serve', 'poll']);
  });

  it('is over before the app bootstraps, so that it can wait for peers there', async () => {
    @Injectable()
    class App implements OnApplicationBootstrap {
      seen: readonly unknown[] | undefined;
      constructor(private readonly cluster: ClusterService) {}
      async onApplicationBootstrap() {
        this.seen = await this.cluster.waitFor(0);
      }
    }
    const { module } = await make({ providers: [App] });
    await module.init();
    expect(module.get(App).seen).toEqual([]);
  });

  it('that fails is an error of bootstrap, and leaves nothing running', async () => {
    const error = new PeerageError('PORT_IN_USE', 'Port 4370 is taken.');
    const { module, mesh, cluster } = await make({ prepare: (fake) => (fake.startError = error) });
    await expect(module.init()).rejects.toBe(error);
    expect(mesh.state).toBe('stopped');
    expect(await thrownBy(() => cluster.waitFor(0))).toMatchObject({ code: 'NOT_RUNNING' });
  });

  it('refuses to be two nodes in one app', async () => {
    const second = PeerageModule.forRoot({ appName: 'second' });
    const { module } = await make({ imports: [second] });
    const error = await thrownBy(() => module.init());
    expect(error.message).toContain('PeerageModule.forRoot() is imported 2 times in this app');
  });

  it('reports invalid options when the app is created', async () => {
    const error = await thrownBy(() => fakeApp({ peerage: { port: -1, cluster: '' } }));
    expect(error.message).toMatch(/2 options need a change:\n {2}- port: .*\n {2}- cluster: /);
  });

  it('reports a factory that returns nothing', async () => {
    const peerage = PeerageModule.forRootAsync({ useFactory: () => undefined as never, via: () => [] });
    expect((await thrownBy(() => fakeApp({ peerage }))).message).toContain(
      'options: undefined does not work',
    );
  });
});

describe('forRootAsync', () => {
  @Injectable()
  class Values {
    readonly cluster = 'from values';
  }
  @Module({ providers: [Values], exports: [Values] })
  class ValuesModule {}

  @Injectable()
  class Factory implements PeerageOptionsFactory {
    constructor(private readonly values: Values) {}
    createPeerageOptions(): PeerageModuleOptions {
      return { appName: 'app', cluster: this.values.cluster };
    }
  }
  @Module({ imports: [ValuesModule], providers: [Factory], exports: [Factory] })
  class FactoryModule {}

  it.each([
    [
      'useFactory',
      PeerageModule.forRootAsync({
        imports: [ValuesModule],
        inject: [Values],
        useFactory: async ({ cluster }: Values) => ({ appName: 'app', cluster }),
      }),
    ],
    ['useClass', PeerageModule.forRootAsync({ imports: [ValuesModule], useClass: Factory })],
    ['useExisting', PeerageModule.forRootAsync({ imports: [FactoryModule], useExisting: Factory })],
  ])('takes %s', async (_how, peerage) => {
    const { module } = await make({ peerage });
    expect(module.get<PeerageSettings>(PEERAGE_SETTINGS, { strict: false }).cluster).toBe('from values');
    await module.init();
  });

  it('is global', async () => {
    @Injectable()
    class Deep {
      constructor(readonly cluster: ClusterService) {}
    }
    @Module({ providers: [Deep] })
    class Feature {}
    const { module, cluster } = await make({ imports: [Feature] });
    expect(module.get(Deep).cluster).toBe(cluster);
  });
});

describe('waiting for peers at boot', () => {
  const waitFor = { peers: 1, timeoutMs: 30 };

  it('ends when they are there', async () => {
    const { module, mesh, cluster } = await make({ peerage: { waitFor: { peers: 1, timeoutMs: 60_000 } } });
    const others = () => undefined;
    process.on('SIGINT', others);
    try {
      const init = module.init();
      await expect.poll(() => mesh.state).toBe('running');
      mesh.join('b@h');
      await init;
      expect(process.listeners('SIGINT')).toEqual([others]);
    } finally {
      process.removeListener('SIGINT', others);
    }
    expect(cluster.peers).toHaveLength(1);
  });

  it('ends with a warning when the time is over', async () => {
    const { module, log } = await make({ peerage: { waitFor } });
    await module.init();
    expect(
      log.matching('Boot goes on without the peers it waited for. Waited 30 ms for 1 peer'),
    ).toHaveLength(1);
  });

  it('ends with an error when that is wanted, and then nothing is left running', async () => {
    const { module, mesh } = await make({ peerage: { waitFor: { ...waitFor, reject: true } } });
    expect(await thrownBy(() => module.init())).toMatchObject({ code: 'WAIT_TIMEOUT' });
    expect(mesh.state).toBe('stopped');
  });

  it('ends when the process is told to end, if somebody listens for that', async () => {
    const { module, mesh, log } = await make({
      peerage: { waitFor: { peers: 1, timeoutMs: 3_600_000, reject: true } },
    });
    const others = () => undefined;
    process.on('SIGTERM', others);
    try {
      const count = process.listenerCount('SIGTERM');
      const init = module.init();
      await expect.poll(() => mesh.state).toBe('running');
      await turns();
      process.emit('SIGTERM');
      await init;
      expect(process.listenerCount('SIGTERM')).toBe(count);
      expect(log.matching('Boot goes on without')).toHaveLength(1);
    } finally {
      process.removeListener('SIGTERM', others);
    }
  });
});

describe('shutdown', () => {
  it('says goodbye, and works without any init', async () => {
    const { module, mesh } = await make();
    await module.close();
    expect(mesh.state).toBe('stopped');
  });

  it('works twice', async () => {
    const { module } = await make();
    await module.init();
    await module.close();
    await module.close();
  });

  it('during the start of the mesh ends what starts', async () => {
    const gate = deferred();
    const { module, mesh } = await make({ prepare: (fake) => (fake.startGate = gate.promise) });
    const init = module.init();
    await turns(100);
    const close = module.close();
    gate.resolve();
    await Promise.all([init, close]);
    expect(mesh.state).toBe('stopped');
  });

  it('that does not wait for init, as in Nest 11, keeps what comes after the mesh from starting', async () => {
    const gate = deferred();
    const { module, log } = await make({ prepare: (fake) => (fake.startGate = gate.promise) });
    const init = module.init();
    await turns(100);
    await module.get(PeerageLifecycle, { strict: false }).beforeApplicationShutdown();
    gate.resolve();
    await init;
    expect(log.lines).toEqual([]);
  });

  it('comes at once, though a poll hangs, its attempts hang, and a provider never ends', async () => {
    const { module, mesh } = await make({
      peerage: { via: [() => new Promise<string[]>(() => undefined), () => ['b@h']] },
      prepare: (fake) => (fake.foundGate = new Promise(() => undefined)),
    });
    await module.init();
    await expect.poll(() => mesh.calls.length).toBe(1);
    await module.close();
    expect(mesh.state).toBe('stopped');
  });

  it('goes on when the mesh cannot stop cleanly', async () => {
    const { module, mesh, log } = await make();
    await module.init();
    mesh.stop = () => Promise.reject(new Error('stuck'));
    await module.close();
    expect(log.lines).toContain('error Shutdown was not clean: stuck');
  });
});

describe('the schedule', () => {
  it('is kept in the registry of the app, when it has one', async () => {
    const { module } = await make({ providers: [SchedulerRegistry], peerage: { syncOffsetMs: 60_000 } });
    await module.init();
    const registry = module.get(SchedulerRegistry);
    expect(registry.getTimeouts()).toEqual(['peerage.poll']);
    await module.close();
    expect(registry.getTimeouts()).toEqual([]);
  });

  it('goes its own way when its name is taken there', async () => {
    let polls = 0;
    const { module, log } = await make({
      providers: [SchedulerRegistry],
      peerage: { via: () => (polls++, []), intervalMs: 1 },
    });
    const theirs = setTimeout(() => undefined, 0);
    module.get(SchedulerRegistry).addTimeout('peerage.poll', theirs);
    await module.init();
    await expect.poll(() => polls).toBeGreaterThan(2);
    expect(module.get(SchedulerRegistry).getTimeout('peerage.poll')).toBe(theirs);
    expect(log.matching("kept out of the app's SchedulerRegistry")).toHaveLength(1);
  });
});
