import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  INestApplication,
  INestApplicationContext,
  OnApplicationBootstrap,
  OnModuleInit,
} from '@nestjs/common';
import { ClientsModule, MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import type { TestingModule, TestingModuleBuilder } from '@nestjs/testing';
import type { Observable } from 'rxjs';
import { NEVER, finalize, lastValueFrom } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterService, PeerageModule, viaLocal } from '../../../lib/index.js';
import type { PeerageClient } from '../../../lib/microservices/index.js';
import { peerageClient, peerageMicroservice } from '../../../lib/microservices/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import { thrownBy } from '../../support/errors.js';
import { handlesReleased, openHandles } from '../../support/open-handles.js';

@Controller()
class Visits {
  constructor(private readonly cluster: ClusterService) {}

  @MessagePattern('visits')
  visits(): string {
    return this.cluster.self.name;
  }

  isEnded = false;

  @MessagePattern('never')
  never(): Observable<never> {
    return NEVER.pipe(finalize(() => (this.isEnded = true)));
  }
}

@Controller('visits')
class Gateway {
  constructor(@Inject('VISITS') readonly client: PeerageClient) {}

  @Get()
  get(): Promise<string> {
    return lastValueFrom(this.client.send<string>('visits', {}));
  }
}

const peerage = () => PeerageModule.forRoot({ appName: 'app', via: viaLocal(), port: 4370 });

@Module({
  imports: [peerage(), ClientsModule.registerAsync([peerageClient('VISITS')])],
  controllers: [Visits, Gateway],
})
class AppModule {}

@Module({ imports: [peerage()], controllers: [Visits] })
class WorkerModule {}

async function hybrid(module: TestingModule): Promise<INestApplication> {
  const app = module.createNestApplication();
  app.connectMicroservice(peerageMicroservice());
  await app.startAllMicroservices();
  return app;
}

let stop: () => Promise<void> = async () => {};
async function kept<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const cluster = await starting;
  stop = () => cluster.stop();
  return cluster;
}
afterEach(() => stop());

describe('apps of several kinds', () => {
  const startHybrids = (count: number) =>
    kept(
      TestCluster.start(count, () => Test.createTestingModule({ imports: [AppModule] }), {
        createApp: hybrid,
      }),
    );

  it('serve HTTP and microservices without a port', async () => {
    const cluster = await startHybrids(3);
    const [a] = cluster.nodes;
    const server: Server = a!.app.getHttpServer();
    expect(server.listening).toBe(false);
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await a!.get(Gateway).get());
    expect(new Set(answers)).toEqual(new Set(cluster.nodes.map(({ name }) => name)));
  });

  it('lose requests with the node that is killed, and ask others from then on', async () => {
    const cluster = await startHybrids(3);
    const [a, b, c] = cluster.nodes;
    const { client } = a!.get(Gateway);
    const asked = lastValueFrom(client.to({ node: b!.name }).send('never', {}));
    const outcome = asked.catch((error: unknown) => error);
    await cluster.settle();
    await b!.kill();
    expect(await outcome).toMatchObject({ code: 'PEER_GONE' });
    const answers = await Promise.all(Array.from({ length: 4 }, () => a!.get(Gateway).get()));
    expect(new Set(answers)).toEqual(new Set([a!.name, c!.name]));
  });

  it('are at work on a request as long as its client lives', async () => {
    const cluster = await startHybrids(2);
    const [a, b] = cluster.nodes;
    let isOver = false;
    const over = (): void => void (isOver = true);
    lastValueFrom(a!.get(Gateway).client.to({ node: b!.name }).send('never', {})).then(over, over);
    await cluster.advance(60_000);
    expect([isOver, b!.get(Visits).isEnded]).toEqual([false, false]);
    await a!.kill();
    await cluster.advance(1_000);
    expect(b!.get(Visits).isEnded).toBe(true);
  });

  it('miss requests that were lost in a cut, in the time of the cluster', async () => {
    const cluster = await startHybrids(2);
    const [a, b] = cluster.nodes;
    await a!.get(Gateway).client.connect();
    cluster.cut(a!, b!);
    const asked = lastValueFrom(a!.get(Gateway).client.to({ node: b!.name }).send('never', {}));
    const outcome = asked.catch((error: unknown) => error);
    await cluster.advance(20_000);
    expect(await outcome).toMatchObject({ code: 'PEER_GONE' });
  });

  it('may differ from node to node', async () => {
    const cluster = await kept(
      TestCluster.start<INestApplicationContext>(
        3,
        (i) => Test.createTestingModule({ imports: [i === 0 ? AppModule : WorkerModule] }),
        {
          createApp: async (module, i) => {
            if (i === 0) return module.createNestApplication();
            const app = module.createNestMicroservice(peerageMicroservice());
            await app.listen();
            return app;
          },
        },
      ),
    );
    const [gateway, ...workers] = cluster.nodes;
    const answers = await Promise.all(Array.from({ length: 4 }, () => gateway!.get(Gateway).get()));
    expect(new Set(answers)).toEqual(new Set(workers.map(({ name }) => name)));
    const other = await cluster.add(() => Test.createTestingModule({ imports: [AppModule] }));
    const serving = [...workers, other].map(({ name }) => name);
    expect(serving).toContain(await other.get(Gateway).get());
  });
});

describe('hooks of an app', () => {
  @Injectable()
  class Waiting implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
    readonly log: string[] = [];
    constructor(private readonly cluster: ClusterService) {}

    async onModuleInit(): Promise<void> {
      await sleep(20);
    }

    async onApplicationBootstrap(): Promise<void> {
      const peers = await this.cluster.waitFor(1, { timeoutMs: 60_000 });
      const error = await this.cluster
        .waitFor(5, { timeoutMs: 1_000 })
        .catch(({ code }: { code: string }) => code);
      this.log.push(`${peers.length} peer`, JSON.stringify(error));
    }

    async beforeApplicationShutdown(): Promise<void> {
      await sleep(20);
      this.log.push('shutdown');
    }
  }

  it('may wait for peers, for time to pass, and for something real', async () => {
    const before = openHandles();
    const make = () => Test.createTestingModule({ imports: [peerage()], providers: [Waiting] });
    const cluster = await kept(TestCluster.start(2, make));
    const nodes = cluster.nodes.map((node) => node.get(Waiting));
    for (const { log } of nodes) expect(log).toEqual(['1 peer', '"WAIT_TIMEOUT"']);
    await cluster.stop();
    for (const { log } of nodes) expect(log.at(-1)).toBe('shutdown');
    expect(await handlesReleased(before)).toEqual({});
  });

  it('that fail are what start() throws, and nothing is left', async () => {
    const closed: number[] = [];
    const before = openHandles();
    const starting = TestCluster.start(3, (i) => {
      const hooks = {
        onApplicationBootstrap: () => {
          if (i === 1) throw new Error('no database');
        },
        onModuleDestroy: () => void closed.push(i),
      };
      return Test.createTestingModule({
        imports: [peerage()],
        providers: [{ provide: 'hooks', useValue: hooks }],
      });
    });
    await expect(starting).rejects.toThrow('no database');
    expect(closed.toSorted((x, y) => x - y)).toEqual([0, 1, 2]);
    expect(await handlesReleased(before)).toEqual({});
  });
});

describe('start() says what is wrong', () => {
  const failure = (make: (i: number) => TestingModuleBuilder, count = 2): Promise<Error> =>
    thrownBy(() => TestCluster.start(count, make));

  it('with a module that is no node', async () => {
    const error = await failure(() => Test.createTestingModule({}));
    expect(error.message).toContain('does not import PeerageModule');
  });

  it('with a builder that is used twice', async () => {
    const builder = Test.createTestingModule({ imports: [peerage()] });
    expect((await failure(() => builder)).message).toContain('a new Test.createTestingModule(…) each time');
  });

  it('with options that do not work', async () => {
    const imports = [PeerageModule.forRoot({ appName: 'a b', meta: 1 as never })];
    const error = await failure(() => Test.createTestingModule({ imports }));
    expect(error.message).toMatch(/2 options need a change:\n {2}- appName: .*\n {2}- meta: /);
  });

  it('with nodes that belong to different clusters', async () => {
    const error = await failure((i) =>
      Test.createTestingModule({ imports: [PeerageModule.forRoot({ appName: 'app', cluster: `c${i}` })] }),
    );
    expect(error).toMatchObject({ code: 'WAIT_TIMEOUT', message: expect.stringContaining('WRONG_SECRET') });
  });
});

it('keeps the app of a given name', async () => {
  const imports = [PeerageModule.forRoot({ appName: 'app', name: 'orders@192.0.2.1:4000' })];
  const cluster = await kept(TestCluster.start(2, () => Test.createTestingModule({ imports })));
  expect(cluster.nodes.map(({ name }) => name)).toEqual(['orders@10.0.0.1', 'orders@10.0.0.2']);
});
