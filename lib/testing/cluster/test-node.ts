import type { Abstract, INestApplicationContext, Type } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { ClusterService } from '../../cluster/cluster.service.js';
import { NodeState } from '../../cluster/node-state.js';
import { PeerageLifecycle } from '../../cluster/peerage.lifecycle.js';
import type { TestEnvironment } from './test-environment.js';

/**
 * One replica of the app in a {@link TestCluster}.
 *
 * @publicApi
 */
export class TestNode<App extends INestApplicationContext = TestingModule> {
  /** Its cluster, as the app sees it. */
  readonly cluster: ClusterService;
  /** Where the network knows it: `host:port`. @internal */
  readonly address: string;
  private made: App | undefined;
  private closing: Promise<void> | undefined;

  /** @internal */
  constructor(
    private readonly ground: TestEnvironment,
    address: string,
    /** Its module, compiled. */
    readonly module: TestingModule,
  ) {
    this.address = address;
    this.cluster = this.get(ClusterService);
  }

  /** Its node name: `app@10.0.0.1`. */
  get name(): string {
    return this.cluster.self.name;
  }

  /** What `createApp` made; without it, the module. */
  get app(): App {
    if (!this.made) throw new Error(`The app of ${this.name} is still being made.`);
    return this.made;
  }

  /** Neither killed nor closed. */
  get isRunning(): boolean {
    return !this.get(NodeState).isStopped;
  }

  /** A provider or controller of its app, wherever in the app it is. */
  get<T>(token: Type<T> | Abstract<T> | string | symbol): T {
    return this.module.get<T>(token, { strict: false });
  }

  /**
   * Ends it as kill -9 does: others see its connections break, without a goodbye, and its own cluster says
   * nothing more. No shutdown hook runs; the app is closed when the cluster stops.
   */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    this.ground.network.crash(this.address);
    this.ground.probes.end(this.address);
    await this.ground.drive(this.get(PeerageLifecycle).stop());
    await this.ground.clock.settle();
  }

  /** Closes its app, as SIGTERM does with shutdown hooks: it says goodbye. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  /** @internal */
  async init(createApp: (module: TestingModule) => App | Promise<App>): Promise<void> {
    this.made = await createApp(this.module);
    await this.made.init();
  }

  private async end(): Promise<void> {
    await this.ground.drive((this.made ?? this.module).close());
    await this.ground.clock.settle();
  }
}
