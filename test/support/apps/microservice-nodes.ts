import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { ClientsModule } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { ClusterService, PeerageModule, viaList } from '../../../lib/index.js';
import type { PeerageModuleOptions } from '../../../lib/index.js';
import { peerageClient, peerageMicroservice } from '../../../lib/microservices/index.js';
import type { PeerageClient, PeerageClientOptions, PeerageServer } from '../../../lib/microservices/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import { CapturedLog } from '../captured-log.js';
import { SECRET, freePorts, nameOn } from '../processes/cluster.js';

export interface NodeParts extends ModuleMetadata {
  /** The options of its client. */
  readonly client?: Omit<PeerageClientOptions, 'cluster'>;
  /** Whether it begins to serve before the cluster is joined, after it, or not at all. */
  readonly serves?: 'before' | 'after' | 'never';
}

/** The token of a node's client. */
export const CLIENT = 'CLIENT';

/** A hybrid app with a server, and a client. */
export interface MicroserviceNode {
  readonly app: INestApplication;
  readonly cluster: ClusterService;
  readonly client: PeerageClient;
  readonly log: CapturedLog;
  readonly server: () => PeerageServer;
}

/** Real nodes in this process, on loopback, each of which is told of all others. */
export class MicroserviceNodes {
  private readonly nodes: MicroserviceNode[] = [];

  /** Starts them and waits until all are connected. */
  async start(...parts: readonly NodeParts[]): Promise<MicroserviceNode[]> {
    const ports = await freePorts(parts.length);
    const started = await Promise.all(parts.map((each, i) => this.startOne(each, ports[i]!, ports)));
    await Promise.all(started.map(({ cluster }) => cluster.waitFor(parts.length - 1, { timeoutMs: 20_000 })));
    return started;
  }

  async startOne(parts: NodeParts, port: number, ports: readonly number[]): Promise<MicroserviceNode> {
    const log = new CapturedLog();
    const via = viaList(ports.map((each) => nameOn(each)));
    Logger.overrideLogger(['debug', 'log', 'warn', 'error', 'verbose', 'fatal']);
    // Some of their handlers never end.
    const shutdown = { drainMs: 500 };
    const options = { appName: 'app', bind: '127.0.0.1', port, secret: SECRET, via, shutdown };
    const module = await moduleOf(parts, options).setLogger(log).compile();
    const app = module.createNestApplication();
    const node: MicroserviceNode = {
      app,
      cluster: app.get(ClusterService),
      client: app.get<PeerageClient>(CLIENT),
      log,
      server: () => app.getMicroservices()[0]!.getTransportServer() as PeerageServer,
    };
    this.nodes.push(node);
    await begin(app, parts);
    return node;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.splice(0).map(({ app }) => app.close()));
  }
}

/** Nodes on a network in memory, connected. */
export function startInMemory(...parts: readonly NodeParts[]): Promise<TestCluster<INestApplication>> {
  const factory = (i: number) => moduleOf(parts[i]!, { appName: 'app' });
  return TestCluster.start(parts.length, factory, {
    createApp: (module, i) => begin(module.createNestApplication(), parts[i] ?? {}),
  });
}

/** The module of such a node, before it is compiled. */
export function moduleOf(
  { client = {}, imports = [], controllers = [], providers = [] }: NodeParts,
  options: PeerageModuleOptions,
): TestingModuleBuilder {
  return Test.createTestingModule({
    imports: [
      PeerageModule.forRoot(options),
      ClientsModule.registerAsync([peerageClient(CLIENT, client)]),
      ...imports,
    ],
    controllers,
    providers,
  });
}

async function begin(app: INestApplication, { serves = 'before' }: NodeParts): Promise<INestApplication> {
  if (serves !== 'never') app.connectMicroservice(peerageMicroservice());
  if (serves === 'before') await app.startAllMicroservices();
  await app.init();
  if (serves === 'after') await app.startAllMicroservices();
  return app;
}
