import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Controller, Injectable } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import { Cron, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterService, PeerageModule, RunOnce, claimsIn } from '../../../lib/index.js';
import type { RunContext, RunOnceOptions } from '../../../lib/index.js';

const NEVER = '0 0 1 1 *';

@Injectable()
class Above {
  @RunOnce()
  @Cron(NEVER, { name: 'above' })
  run(): string {
    return `${this.constructor.name} ran`;
  }
}

@Injectable()
class Below {
  @Cron(NEVER, { name: 'below' })
  @RunOnce()
  run(): string {
    return `${this.constructor.name} ran`;
  }

  @RunOnce()
  @Interval('often', 1e8)
  often(): void {}

  @Timeout('late', 1e8)
  @RunOnce()
  late(): void {}
}

const apps: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

describe('@RunOnce() in a unit test', () => {
  it('leaves the method as it is: it takes what it is given, and returns what it returns', () => {
    class Sums {
      private readonly base = 1;

      @RunOnce()
      add(a: number, b: number): number {
        return this.base + a + b;
      }
    }
    expect(new Sums().add(1, 2)).toBe(4);
    expect(new Sums().add.name).toBe('add');
  });

  it('needs no cluster in the container', async () => {
    const module = await Test.createTestingModule({ providers: [Above] }).compile();
    apps.push(module);
    expect(module.get(Above).run()).toBe('Above ran');
  });

  it.each([
    ['that mocks everything', () => new Proxy({}, { get: () => () => undefined })],
    ['that gives one object for all', () => ({ send() {} })],
  ])('is an ordinary method with a mocker %s', async (_what, mocker) => {
    const module = await Test.createTestingModule({ providers: [Above] })
      .useMocker(mocker)
      .compile();
    apps.push(module);
    expect(module.get(Above).run()).toBe('Above ran');
  });

  it('stands once at a method', () => {
    expect(() => {
      class Twice {
        @RunOnce({ name: 'again' })
        @Cron(NEVER)
        @RunOnce()
        run(): void {}
      }
      return Twice;
    }).toThrow(/stands twice at Twice.run/);
  });

  it.each([
    [{ onLoss: 'again' }, /onLoss is/],
    [{ lateMs: -1 }, /lateMs/],
    [{ lateMs: 0.5 }, /lateMs/],
    [{ lateMs: NaN, name: 'daily' }, /the job "daily": lateMs/],
    [{ name: '' }, /the name of a job is a text of 1 to 255 characters: ""/],
    [{ name: 'x'.repeat(256) }, /the name of a job/],
    [{ name: null }, /the name of a job/],
    [{ name: 5 }, /the name of a job/],
    [{ name: 'a\ud83d' }, /half of a surrogate pair/],
    [{ store: {} }, /claimsIn/],
    [{ spread: 'yes' }, /spread is true or false/],
    [{ catchUp: 'last' }, /needs a store/],
    [{ store: { claim() {} } }, /has claim\(\) and last\(\)/],
    [{ store: { claim() {}, last() {} }, onLoss: 'rerun' }, /rerun/],
    [{ sprad: true }, /did you mean "spread"/],
  ])('says at once that %j is wrong', (options, problem) => {
    expect(() => RunOnce(options as RunOnceOptions)).toThrow(problem);
  });
});

describe('@RunOnce() in an app', () => {
  /** What the scheduler calls, whose promise the decorator makes. */
  const called = (method: () => unknown): Promise<unknown> => Promise.resolve(method());

  const start = (...classes: Provider[]) => startIn('app', ...classes);
  const startIn = async (cluster: string, ...classes: Provider[]) => {
    const module = await Test.createTestingModule({
      imports: [
        ScheduleModule.forRoot(),
        PeerageModule.forRoot({ cluster, bind: '127.0.0.1', ownership: { settleMs: 1 } }),
      ],
      providers: classes,
    }).compile();
    const app = module.createNestApplication();
    apps.push(app);
    await app.init();
    return app;
  };

  it('keeps the schedule, above and below its decorator', async () => {
    const app = await start(Above, Below);
    const registry = app.get(SchedulerRegistry);
    expect([...registry.getCronJobs().keys()].toSorted()).toEqual(['above', 'below']);
    expect(registry.getIntervals()).toEqual(['often']);
    expect(registry.getTimeouts()).toEqual(expect.arrayContaining(['late']));
    // On its own it is the whole cluster.
    await app.get(ClusterService).settled;
    expect(await called(() => app.get(Above).run())).toBe('Above ran');
    expect(await called(() => app.get(Below).run())).toBe('Below ran');
    // Once is enough for this due time.
    expect(await called(() => app.get(Above).run())).toBeUndefined();
  });

  it('gives the due time of the expression, and a key', async () => {
    const given: RunContext[] = [];
    @Controller()
    class Yearly {
      @RunOnce()
      @Cron('0 30 4 1 1 *', { timeZone: 'Asia/Tokyo' })
      run(context: RunContext): void {
        given.push(context);
      }
    }
    const app = await start(Yearly);
    await called(() => app.get(Yearly).run({} as RunContext));
    const newYear = `${new Date(Date.now() + 9 * 3_600_000).getUTCFullYear() - 1}-12-31T19:30:00.000Z`;
    expect(given).toEqual([{ dueAt: new Date(newYear), key: `Yearly.run@${newYear}` }]);
  });

  it('gives it, too, when the schedule is late and calls before its job is in the registry', async () => {
    const cron = createRequire(fileURLToPath(import.meta.resolve('@nestjs/schedule')))('cron') as {
      readonly CronTime: { readonly prototype: { getTimeout(): number } };
    };
    const late = vi.spyOn(cron.CronTime.prototype, 'getTimeout').mockReturnValueOnce(-25);
    const warned = vi.spyOn(console, 'warn').mockImplementationOnce(() => {});
    const given: Date[] = [];
    @Injectable()
    class Yearly {
      @RunOnce()
      @Cron('0 0 0 1 1 *', { timeZone: 'UTC' })
      run({ dueAt }: RunContext): void {
        given.push(dueAt);
      }
    }
    await start(Yearly);
    const newYear = new Date(Date.UTC(new Date().getUTCFullYear(), 0, 1));
    await vi.waitFor(() => expect(given).toEqual([newYear]), 10_000);
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('Executing immediately'));
    late.mockRestore();
    warned.mockRestore();
  });

  it('keeps two apps of one process apart', async () => {
    const [a, b] = [await start(Above), await start(Above)];
    for (const app of [a, b]) {
      await app.get(ClusterService).settled;
      expect(await called(() => app.get(Above).run())).toBe('Above ran');
      expect(app.get(ClusterService).runTotals.started).toBe(1);
    }
  });

  it('goes by the cluster whoever made the instance: a factory, or the app', async () => {
    const providers: readonly Provider[] = [
      { provide: Above, useFactory: () => new Above() },
      { provide: 'value', useValue: new Below() },
    ];
    const app = await start(...providers);
    const cluster = app.get(ClusterService);
    await cluster.settled;
    expect(await called(() => app.get(Above).run())).toBe('Above ran');
    expect(await called(() => app.get<Below>('value').run())).toBe('Below ran');
    expect(cluster.runTotals.started).toBe(2);
    // There is one due time in a year.
    expect(await called(() => app.get(Above).run())).toBeUndefined();
  });

  it('says which job cannot be run once: its instance is frozen', async () => {
    const frozen = { provide: 'frozen', useValue: Object.freeze(new Above()) };
    await expect(start(frozen)).rejects.toThrow(/"Above.run" is frozen/);
  });

  it('runs the method of the class above as it is, when one that overrides it calls that', async () => {
    class Base {
      @RunOnce({ name: 'base' })
      @Cron(NEVER)
      run(_context: RunContext, more = ''): string {
        return `base${more}`;
      }
    }
    @Injectable()
    class Child extends Base {
      @RunOnce({ name: 'child' })
      @Cron(NEVER)
      override run(context: RunContext): string {
        return `child of ${super.run(context, ' with more')}`;
      }
    }
    const app = await start(Child);
    await app.get(ClusterService).settled;
    expect(await called(() => app.get(Child).run({} as RunContext))).toBe('child of base with more');
    expect(app.get(ClusterService).runTotals).toMatchObject({ started: 1, skipped: 0 });
  });

  it('claims for its own cluster, by the client of its own app, though a store is shared', async () => {
    @Injectable()
    class Stored {
      @RunOnce({ store: claimsIn('REDIS') })
      @Cron(NEVER)
      run(): string {
        return 'ran';
      }
    }
    const kept = new Map<string, string>();
    const client = () => ({
      isOpen: true,
      async call(command: string, key: string, value: string): Promise<unknown> {
        if (!this.isOpen) throw new Error('closed');
        if (command !== 'SET') return kept.get(key) ?? null;
        if (kept.has(key)) return null;
        kept.set(key, value);
        return 'OK';
      },
    });
    const ran = async (cluster: string, redis: object): Promise<unknown> => {
      const app = await startIn(cluster, Stored, { provide: 'REDIS', useValue: redis });
      await app.get(ClusterService).settled;
      return called(() => app.get(Stored).run());
    };
    const first = client();
    expect(await ran('shop', first)).toBe('ran');
    first.isOpen = false;
    expect(await ran('shop', client())).toBeUndefined();
    expect(await ran('blog', client())).toBe('ran');
    expect([...kept.keys()].map((key) => key.split(':').at(2))).toEqual([
      'shop/Stored.run',
      'blog/Stored.run',
    ]);
  });

  it('refuses two methods with one name, at start', async () => {
    @Injectable()
    class Twins {
      @RunOnce({ name: 'one' })
      a(): void {}

      @RunOnce({ name: 'one' })
      b(): void {}
    }
    await expect(start(Twins)).rejects.toThrow(/two methods are the job "one"/);
  });

  it('refuses a store for what has no due times', async () => {
    @Injectable()
    class Warm {
      @RunOnce({ store: { claim: async () => '', last: async () => undefined } })
      @Timeout(1e8)
      up(): void {}
    }
    await expect(start(Warm)).rejects.toThrow(/"Warm.up" has a store/);
  });

  it('takes the method of a class that overrides it as it is there', async () => {
    class Base {
      @RunOnce()
      @Cron(NEVER)
      run(): string {
        return 'base';
      }
    }
    @Injectable()
    class Plain extends Base {
      override run(): string {
        return 'plain';
      }
    }
    @Injectable()
    class Inherited extends Base {}
    const app = await start(Plain, Inherited);
    await app.get(ClusterService).settled;
    expect(app.get(Plain).run()).toBe('plain');
    expect(app.get(Plain).run()).toBe('plain');
    expect(await called(() => app.get(Inherited).run())).toBe('base');
    expect(await called(() => app.get(Inherited).run())).toBeUndefined();
  });
});
