import { markFromEnvironment, vainVariables } from '../../../lib/config/vain-variables.js';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OnClusterEvent, PeerageModule } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import { thrownBy } from '../../support/errors.js';
import { fakeApp } from '../../support/apps/nest-app.js';

describe('what cannot work is refused', () => {
  it('a handler that is no function', async () => {
    const { cluster } = await fakeApp();
    const error = await thrownBy(() => cluster.handle('x', 5 as never));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(error.message).toBe('handle("x", …) takes a function that handles the messages, not number.');
  });

  it('an event that there is not', async () => {
    const { cluster } = await fakeApp();
    const error = await thrownBy(() => cluster.on('peer.upp' as never, () => {}));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(error.message).toBe('on(): there is no event "peer.upp"; did you mean "peer.up"?');
    expect(await thrownBy(() => cluster.on('poll', undefined as never))).toMatchObject({
      code: 'INVALID_OPTIONS',
    });
    expect(await thrownBy(() => OnClusterEvent('nope' as never))).toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it('meta after the end', async () => {
    const { cluster, module } = await fakeApp();
    await module.init();
    await module.close();
    expect(await thrownBy(() => cluster.setMeta({ late: true }))).toMatchObject({ code: 'NOT_RUNNING' });
  });

  it('forRootAsync() that is told nothing', async () => {
    for (const options of [{}, undefined])
      expect(
        await thrownBy(() => fakeApp({ peerage: PeerageModule.forRootAsync(options as never) })),
      ).toMatchObject({
        code: 'INVALID_OPTIONS',
        message: expect.stringContaining('useFactory, useClass or useExisting'),
      });
  });

  it('a class of options without the method that makes them', async () => {
    class Unfinished {
      createOptions() {
        return {};
      }
    }
    @Module({ providers: [Unfinished], exports: [Unfinished] })
    class Config {}
    const problem =
      'forRootAsync(): was given Unfinished, without the method createPeerageOptions() that makes the ' +
      'options: let its class implement PeerageOptionsFactory.';
    for (const given of [{ useClass: Unfinished }, { imports: [Config], useExisting: Unfinished }])
      expect(
        await thrownBy(() => fakeApp({ peerage: PeerageModule.forRootAsync(given as never) })),
      ).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining(problem) });
  });

  it('a cluster of less than no nodes, and nodes after its end', async () => {
    const make = () => Test.createTestingModule({ imports: [PeerageModule.forRoot({ appName: 'app' })] });
    for (const count of [-1, 1.5, Number.NaN])
      expect(await thrownBy(() => TestCluster.start(count, make))).toMatchObject({ code: 'INVALID_OPTIONS' });
    const cluster = await TestCluster.start(1, make);
    await cluster.stop();
    expect(await thrownBy(() => cluster.add())).toMatchObject({ code: 'NOT_RUNNING' });
  });
});

describe('variables that are set and not read', () => {
  afterEach(() => vi.unstubAllEnvs());

  const warnings = async (peerage: Parameters<typeof fakeApp>[0]) => {
    const app = await fakeApp(peerage);
    await app.module.init();
    await app.module.close();
    return app.log.matching('set and not read');
  };

  it('are told of when the options are given in code', async () => {
    vi.stubEnv('PEERAGE_CLUSTER', 'blue');
    vi.stubEnv('PEERAGE_INTERVAL_MS', '5000');
    vi.stubEnv('PEERAGE_HOST', '10.0.0.9');
    expect(await warnings({ peerage: {} })).toEqual([
      expect.stringMatching(/^warn PEERAGE_CLUSTER, PEERAGE_INTERVAL_MS are set and not read, /),
    ]);
  });

  it('are told of when they name no provider, and that is why this node looks for nobody', () => {
    const env = { PEERAGE_VIA: ' ' };
    const read = (more: object = {}) => vainVariables({ ...markFromEnvironment({}, env), ...more }, env);
    expect(read()).toMatch(/^PEERAGE_VIA is set and empty, so this node looks for nobody/);
    expect(read({ via: 'dns:app' })).toBeUndefined();
    expect(vainVariables(markFromEnvironment({}, {}), {})).toBeUndefined();
  });

  it('are those whose value is nowhere among the options', async () => {
    vi.stubEnv('PEERAGE_CLUSTER', 'blue');
    expect(await warnings({ peerage: { cluster: 'blue' } })).toEqual([]);
  });

  it('count as given when the secret is empty: somebody meant to give one', async () => {
    vi.stubEnv('PEERAGE_SECRET', ' ');
    vi.stubEnv('PEERAGE_STATUS_SOCKET', 'false');
    const app = await fakeApp({ peerage: PeerageModule.forRoot() });
    await app.module.init();
    await app.module.close();
    expect(app.log.matching('is empty or undefined')).toHaveLength(1);
  });

  it('are none when the variables are the options', async () => {
    vi.stubEnv('PEERAGE_CLUSTER', 'blue');
    vi.stubEnv('PEERAGE_STATUS_SOCKET', 'false');
    expect(await warnings({ peerage: PeerageModule.forRoot() })).toEqual([]);
    const { peerageConfig } = await import('../../../lib/config/index.js');
    expect(await warnings({ peerage: PeerageModule.forRootAsync(peerageConfig.asProvider()) })).toEqual([]);
  });
});
