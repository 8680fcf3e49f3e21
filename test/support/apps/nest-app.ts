import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { ClusterService, PeerageModule } from '../../../lib/index.js';
import { PEERAGE_MESH, PEERAGE_SETTINGS } from '../../../lib/peerage.constants.js';
import type { PeerageModuleOptions, PeerageSettings } from '../../../lib/peerage.options.js';
import { CapturedLog } from '../captured-log.js';
import type { FakeMesh } from '../mesh/fake-mesh.js';
import { FakeNetwork } from '../mesh/fake-mesh.js';

export interface FakeApp {
  readonly module: TestingModule;
  readonly cluster: ClusterService;
  readonly mesh: FakeMesh;
  readonly log: CapturedLog;
}

export interface FakeAppOptions extends ModuleMetadata {
  readonly peerage?: PeerageModuleOptions | DynamicModule;
  readonly network?: FakeNetwork;
  /** Prepares the mesh before anything starts. */
  readonly prepare?: (mesh: FakeMesh) => void;
}

/** A real Nest app whose mesh is a fake one. It is compiled, not initialised. */
export async function fakeApp(options: FakeAppOptions = {}): Promise<FakeApp> {
  const { peerage = {}, network = new FakeNetwork(), prepare, imports = [], ...rest } = options;
  const log = new CapturedLog();
  Logger.overrideLogger(['debug', 'log', 'warn', 'error', 'verbose', 'fatal']);
  const peerageModule = 'module' in peerage ? peerage : PeerageModule.forRoot(localOptions(peerage));
  const module = await Test.createTestingModule({ imports: [peerageModule, ...imports], ...rest })
    .setLogger(log)
    .overrideProvider(PEERAGE_MESH)
    .useFactory({
      factory: (settings: PeerageSettings) => network.mesh(settings),
      inject: [PEERAGE_SETTINGS],
    })
    .compile();
  const mesh = module.get<FakeMesh>(PEERAGE_MESH, { strict: false });
  prepare?.(mesh);
  return { module, cluster: module.get(ClusterService), mesh, log };
}

function localOptions(options: PeerageModuleOptions): PeerageModuleOptions {
  return { appName: 'app', intervalMs: 60_000, statusSocket: false, ...options };
}
