import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { peerageConfig, peerageEnvironment } from '../../../lib/config/index.js';
import { ClusterService, PeerageModule } from '../../../lib/index.js';
import { PEERAGE_MESH, PEERAGE_SETTINGS } from '../../../lib/peerage.constants.js';
import type { PeerageSettings } from '../../../lib/peerage.options.js';
import { CapturedLog } from '../../support/captured-log.js';
import { FakeNetwork } from '../../support/mesh/fake-mesh.js';
import { thrownBy } from '../../support/errors.js';

const network = new FakeNetwork();
const fakeMesh = {
  factory: (settings: PeerageSettings) => network.mesh(settings),
  inject: [PEERAGE_SETTINGS],
};

function compile(imports: any[]) {
  return Test.createTestingModule({ imports })
    .setLogger(new CapturedLog())
    .overrideProvider(PEERAGE_MESH)
    .useFactory(fakeMesh)
    .compile();
}

describe('peerageConfig', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('configures the module', async () => {
    vi.stubEnv('PEERAGE_NAME', 'shop@127.0.0.1:4999');
    vi.stubEnv('PEERAGE_META', '{"zone":"a"}');
    const app = await compile([PeerageModule.forRootAsync(peerageConfig.asProvider())]);
    expect(app.get(ClusterService).self).toMatchObject({ name: 'shop@127.0.0.1:4999', meta: { zone: 'a' } });
    await app.close();
  });

  it('is there for the ConfigService as well', async () => {
    vi.stubEnv('PEERAGE_PORT', '4999');
    const app = await compile([ConfigModule.forRoot({ ignoreEnvFile: true, load: [peerageConfig] })]);
    expect(app.get(ConfigService).get('peerage.port')).toBe(4_999);
    await app.close();
  });

  it('tells what is wrong when it is loaded', async () => {
    vi.stubEnv('PEERAGE_PORT', 'x');
    const error = await thrownBy(() => compile([PeerageModule.forRootAsync(peerageConfig.asProvider())]));
    expect(error).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('PEERAGE_PORT'),
    });
  });
});

describe('forRoot() without options', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('reads the same variables, when the app is created', async () => {
    const module = PeerageModule.forRoot();
    vi.stubEnv('PEERAGE_NAME', 'shop@127.0.0.1:4998');
    const app = await compile([module]);
    expect(app.get(ClusterService).self.name).toBe('shop@127.0.0.1:4998');
    await app.close();
  });

  it('does not mix them with options that are given', async () => {
    vi.stubEnv('PEERAGE_CLUSTER', 'blue');
    const app = await compile([PeerageModule.forRoot({ appName: 'shop' })]);
    expect(app.get<PeerageSettings>(PEERAGE_SETTINGS, { strict: false }).cluster).toBe('shop');
    await app.close();
  });
});

describe('peerageEnvironment', () => {
  it('passes a good environment through', async () => {
    const env = { PEERAGE_PORT: '4370', HOME: '/root' };
    expect(peerageEnvironment['~standard'].validate(env)).toEqual({ value: env });
  });

  it('has an issue for each bad variable', () => {
    const result = peerageEnvironment['~standard'].validate({ PEERAGE_PORT: 'x', PEERAGE_INSECURE: 'y' });
    const issues = 'issues' in result ? result.issues : [];
    expect(issues.map(({ path }) => path)).toEqual([['PEERAGE_PORT'], ['PEERAGE_INSECURE']]);
    expect(peerageEnvironment['~standard'].validate(3)).toHaveProperty('issues');
  });

  it('is what ConfigModule takes', async () => {
    vi.stubEnv('PEERAGE_PORT', 'x');
    const load = () => ConfigModule.forRoot({ ignoreEnvFile: true, validationSchema: peerageEnvironment });
    await expect(load()).rejects.toThrow('PEERAGE_PORT: "x" is not a whole number.');
    vi.unstubAllEnvs();
    await expect(load()).resolves.toBeDefined();
  });
});
