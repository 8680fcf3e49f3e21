import type { INestApplicationContext } from '@nestjs/common';
import type { TestingModule, TestingModuleBuilder } from '@nestjs/testing';
import { PeerageError } from '../../errors/peerage-error.js';
import { TestEnvironment } from './test-environment.js';
import { TestNode } from './test-node.js';

/**
 * Makes the module of one node, not compiled yet: `() => Test.createTestingModule({ imports: [AppModule] })`.
 *
 * @param index 0 for the first node, 1 for the second one…
 * @publicApi
 */
export type TestModuleFactory = (index: number) => TestingModuleBuilder | Promise<TestingModuleBuilder>;

/**
 * Options of {@link TestCluster.start}.
 *
 * @publicApi
 */
export interface TestClusterOptions<App extends INestApplicationContext> {
  /**
   * Makes the app of a module that was compiled, with all that `main.ts` does before `listen`. It is
   * initialised afterwards. `index` is that of the factory. @default the module itself is the app
   */
  readonly createApp?: ((module: TestingModule, index: number) => App | Promise<App>) | undefined;
}

/**
 * Bounds of {@link TestCluster.until}.
 *
 * @publicApi
 */
export interface UntilOptions {
  /** How far time may move, in milliseconds. @default 10000 */
  readonly withinMs?: number | undefined;
}

/**
 * The nodes of a cluster that was started with `Count` of them: a tuple of so many, and any that were added. With a
 * count that only run time tells, or above 32, a list.
 *
 * @publicApi
 */
export type TestNodes<App extends INestApplicationContext, Count extends number> = AtLeast<
  TestNode<App>,
  Count
>;

type AtLeast<T, Count extends number, Counted extends readonly T[] = readonly []> = number extends Count
  ? readonly T[]
  : Counted['length'] extends Count
    ? readonly [...Counted, ...T[]]
    : Counted['length'] extends 32
      ? readonly T[]
      : AtLeast<T, Count, readonly [...Counted, T]>;

const UNTIL_MS = 10_000;
const STEP_MS = 10;

/**
 * A cluster of replicas of your app in one process, over a network in memory. Nothing is opened, and time is
 * virtual: it stands still until `advance` or `until` moves it. Messages take no time.
 *
 * @publicApi
 */
export class TestCluster<
  App extends INestApplicationContext = TestingModule,
  Nodes extends readonly TestNode<App>[] = readonly TestNode<App>[],
> {
  private readonly ground = new TestEnvironment();
  private readonly all: TestNode<App>[] = [];
  private readonly builders = new Set<TestingModuleBuilder>();
  private stopping: Promise<void> | undefined;

  private constructor(
    private readonly factory: TestModuleFactory,
    private readonly options: TestClusterOptions<App>,
  ) {}

  /**
   * Starts a cluster. Resolves when all nodes are each other's peers, and own their keys.
   *
   * @throws what making or starting an app throws; PeerageError `INVALID_OPTIONS`; PeerageError `WAIT_TIMEOUT`
   * when the nodes don't become peers: do they have the same `cluster`?
   */
  static async start<App extends INestApplicationContext = TestingModule, Count extends number = number>(
    count: Count,
    factory: TestModuleFactory,
    options: TestClusterOptions<App> = {},
  ): Promise<TestCluster<App, TestNodes<App, Count>>> {
    if (!Number.isInteger(count) || count < 0)
      throw new PeerageError(
        'INVALID_OPTIONS',
        `TestCluster.start() takes a number of nodes, not ${String(count)}.`,
      );
    const cluster = new TestCluster<App, TestNodes<App, Count>>(factory, options);
    try {
      await cluster.grow(count, factory);
    } catch (error) {
      await cluster.stop().catch(() => {});
      throw error;
    }
    return cluster;
  }

  /**
   * The nodes that run, in the order in which they were started. Their type counts those that `start` started, so
   * take them apart before you end one.
   */
  get nodes(): Nodes {
    return this.running as Nodes;
  }

  private get running(): readonly TestNode<App>[] {
    return this.all.filter(({ isRunning }) => isRunning);
  }

  /**
   * Starts another node. Resolves when it is the peer of all that run.
   *
   * @param factory what makes its module, when that is another one
   * @throws as `start`; PeerageError `NOT_RUNNING` after `stop`
   */
  async add(factory: TestModuleFactory = this.factory): Promise<TestNode<App>> {
    if (this.stopping)
      throw new PeerageError('NOT_RUNNING', 'add() came too late: this TestCluster has stopped.');
    await this.grow(1, factory);
    return this.all.at(-1)!;
  }

  /** Moves time on, and waits for what happens meanwhile. In milliseconds. */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Infinity))
      throw new PeerageError('INVALID_OPTIONS', `Time cannot be moved on by ${ms} ms.`);
    await this.ground.clock.settle();
    await this.ground.clock.move(ms);
    await this.ground.clock.settle();
  }

  /** Waits until all that is under way has arrived and was handled. Time does not move. */
  settle(): Promise<void> {
    return this.ground.clock.settle();
  }

  /**
   * Moves time on until something holds.
   *
   * @throws PeerageError `WAIT_TIMEOUT` when it does not hold in time.
   */
  async until(condition: () => boolean, { withinMs = UNTIL_MS }: UntilOptions = {}): Promise<void> {
    await this.settle();
    for (let passedMs = 0; !condition(); passedMs += STEP_MS) {
      if (passedMs >= withinMs) throw this.timeout(withinMs);
      await this.ground.clock.move(STEP_MS);
    }
  }

  /** Lets nothing through between nodes of different groups. Nodes that are in no group reach everyone. */
  partition(...groups: readonly (readonly TestNode<App>[])[]): void {
    this.ground.network.partition(...groups.map((group) => group.map(({ address }) => address)));
  }

  /** Lets nothing through between two nodes, in neither direction. */
  cut(a: TestNode<App>, b: TestNode<App>): void {
    this.ground.network.cut(a.address, b.address);
  }

  /** Lets nothing through in one direction. */
  cutOneWay(from: TestNode<App>, to: TestNode<App>): void {
    this.ground.network.cutOneWay(from.address, to.address);
  }

  /** Ends every partition and cut. What was sent meanwhile arrives, unless its connection was given up. */
  heal(): void {
    this.ground.network.heal();
  }

  /** Closes the app of every node, of those that were killed too. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async grow(count: number, factory: TestModuleFactory): Promise<void> {
    const before = this.all.length;
    for (let i = 0; i < count; i++) this.all.push(await this.make(factory));
    const added = this.all.slice(before);
    const { createApp = theModule } = this.options;
    const started = Promise.allSettled(
      added.map((node, i) => node.init((module) => createApp(module, before + i) as App | Promise<App>)),
    );
    throwFirst(await this.ground.drive(started));
    await this.until(() => added.every((node) => this.isPeerOfAll(node) && this.isSettled(node)));
  }

  private async make(factory: TestModuleFactory): Promise<TestNode<App>> {
    const builder = await factory(this.all.length);
    if (typeof builder?.overrideProvider !== 'function' || this.builders.has(builder))
      throw new PeerageError(
        'INVALID_OPTIONS',
        'The factory of a TestCluster returns a new Test.createTestingModule(…) each time, without compile().',
      );
    this.builders.add(builder);
    const address = this.ground.prepare(builder);
    const module = await builder.compile();
    if (this.ground.has(address)) return new TestNode<App>(this.ground, address, module);
    await module.close();
    throw new PeerageError(
      'INVALID_OPTIONS',
      'The module that the factory of a TestCluster makes does not import PeerageModule.',
    );
  }

  private isPeerOfAll(node: TestNode<App>): boolean {
    const others = this.running.filter((other) => other !== node);
    return others.every(
      (other) => node.cluster.peer(other.name) !== undefined && other.cluster.peer(node.name) !== undefined,
    );
  }

  /** One that is alone goes on looking for others. */
  private isSettled({ cluster }: TestNode<App>): boolean {
    return cluster.isSettled || cluster.peers.length === 0;
  }

  private async end(): Promise<void> {
    // So that goodbyes arrive, and nobody waits for one.
    this.heal();
    throwFirst(await Promise.allSettled(this.all.map((node) => node.close())));
  }

  private timeout(withinMs: number): PeerageError {
    const views = this.running.map(({ name, cluster }) => {
      const names = cluster.explain().names.filter(({ state }) => state !== 'self');
      return [`${name}:`, ...names.map((each) => `  ${each.name}: ${each.summary}`)].join('\n');
    });
    const message = `It did not come to that within ${withinMs} ms of the cluster's time.\n${views.join('\n')}`;
    return new PeerageError('WAIT_TIMEOUT', message);
  }
}

function theModule(module: TestingModule): INestApplicationContext {
  return module;
}

function throwFirst(outcomes: readonly PromiseSettledResult<unknown>[]): void {
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}
