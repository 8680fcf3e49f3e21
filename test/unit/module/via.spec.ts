import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { PeerageModule, viaList } from '../../../lib/index.js';
import type { PeerageModuleOptions, PeerageProvider, Via } from '../../../lib/index.js';
import { ANNOUNCEMENT_KEYS } from '../../../lib/via/udp/announcement.js';
import { thrownBy } from '../../support/errors.js';
import type { FakeApp, FakeAppOptions } from '../../support/apps/nest-app.js';
import { fakeApp } from '../../support/apps/nest-app.js';

@Injectable()
class Source {
  readonly names: string[] = ['source@h'];
}

@Injectable()
class FromSource implements PeerageProvider {
  constructor(private readonly source: Source) {}
  poll() {
    return this.source.names;
  }
}

@Module({ providers: [Source], exports: [Source] })
class SourceModule {}

describe('via', () => {
  let app: FakeApp | undefined;
  afterEach(async () => {
    await app?.module.close();
    app = undefined;
  });

  async function start(options: FakeAppOptions): Promise<FakeApp> {
    app = await fakeApp(options);
    await app.module.init();
    return app;
  }

  const options = (via: Via | readonly Via[]): PeerageModuleOptions => ({
    appName: 'app',
    via,
    syncOffsetMs: 60_000,
    intervalMs: 60_000,
  });

  /** What each provider answers in the app. */
  async function answers(appOptions: FakeAppOptions): Promise<[string, readonly string[]][]> {
    const { cluster } = await start(appOptions);
    const { providers } = await cluster.poll();
    return providers.map(({ provider, names }) => [provider, names]);
  }

  it('takes objects, functions and classes, several of them', async () => {
    @Injectable()
    class Plain implements PeerageProvider {
      poll() {
        return ['plain@h'];
      }
    }
    const via = [viaList(['list@h']), () => ['arrow@h'], async () => ['later@h'], Plain];
    expect(await answers({ peerage: options(via) })).toEqual([
      ['list', ['list@h']],
      ['function', ['arrow@h']],
      ['function#2', ['later@h']],
      ['Plain', ['plain@h']],
    ]);
  });

  it('takes a class from the app when the app provides it, wherever that is', async () => {
    @Module({ providers: [Source, FromSource] })
    class Feature {}
    const { module, cluster } = await start({ imports: [Feature], peerage: options(FromSource) });
    module.get(Source, { strict: false }).names.push('more@h');
    expect((await cluster.poll()).providers[0]!.names).toEqual(['source@h', 'more@h']);
  });

  it('takes what the app provides in place of the class', async () => {
    const fake: PeerageProvider = { name: 'fake', poll: () => ['fake@h'] };
    const providers = [{ provide: FromSource, useValue: fake }];
    expect(await answers({ providers, peerage: options(FromSource) })).toEqual([['fake', ['fake@h']]]);
  });

  it('creates a class with what the imports of forRootAsync export', async () => {
    const peerage = PeerageModule.forRootAsync({
      imports: [SourceModule],
      via: FromSource,
      useFactory: () => ({ appName: 'app' }),
    });
    expect(await answers({ peerage })).toEqual([['FromSource', ['source@h']]]);
  });

  it('creates a class with what another module of the app has', async () => {
    expect(await answers({ imports: [SourceModule], peerage: options(FromSource) })).toEqual([
      ['FromSource', ['source@h']],
    ]);
  });

  it('creates a class that is transient', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient implements PeerageProvider {
      private readonly names = ['transient@h'];
      poll() {
        return this.names;
      }
    }
    expect(await answers({ providers: [Transient], peerage: options(Transient) })).toEqual([
      ['Transient', ['transient@h']],
    ]);
  });

  it('may come from the factory instead, but not from both', async () => {
    const withVia = (beside: boolean): DynamicModule =>
      PeerageModule.forRootAsync({
        ...(beside ? { via: viaList([]) } : {}),
        useFactory: () => ({ appName: 'app', via: viaList(['inside@h']) }),
      });
    expect(await answers({ peerage: withVia(false) })).toEqual([['list', ['inside@h']]]);
    const error = await thrownBy(() => fakeApp({ peerage: withVia(true) }));
    expect(error).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('via: is given both'),
    });
  });

  it('tells of all classes that cannot be had, before anything opens', async () => {
    @Injectable()
    class Lost implements PeerageProvider {
      constructor(@Inject('MISSING') readonly missing: unknown) {}
      poll = () => [];
    }
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest implements PeerageProvider {
      poll = () => [];
    }
    @Injectable()
    class Pollless {}
    class Throws implements PeerageProvider {
      constructor() {
        throw new Error('broken constructor');
      }
      poll = () => [];
    }
    const via = [Lost, PerRequest, Pollless, Throws] as unknown as Via[];
    app = await fakeApp({ providers: [PerRequest], peerage: options(via) });
    const error = await thrownBy(() => app!.module.init());
    expect(error.code).toBe('INVALID_OPTIONS');
    const [, lost, perRequest, pollless, throws, ...more] = error.message.split('\n');
    expect(lost).toMatch(
      /via\[0\]: Lost cannot be created: .*"?MISSING"?.*Add Lost to the providers of a module/,
    );
    expect(lost).not.toContain('Potential solutions');
    expect(perRequest).toContain('via[1]: PerRequest is request-scoped');
    expect(pollless).toContain('via[2]: Pollless has no method poll()');
    expect(throws).toContain('via[3]: broken constructor');
    expect(more).toEqual([]);
    expect(app.mesh.state).toBe('new');
  });

  it('is given the keys of announcements before it serves', async () => {
    const order: string[] = [];
    const via = {
      poll: () => [],
      [ANNOUNCEMENT_KEYS]: (keys: readonly Buffer[]) => order.push(`${keys.length} keys`),
      serve: async ({ signal }: { signal: AbortSignal }) => {
        order.push('serve');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const secret = ['the secret of this year', 'the secret of last year'];
    await start({ peerage: { ...options(via), secret } });
    expect(order).toEqual(['2 keys', 'serve']);
  });

  it('hands what a serve finds to the mesh, and warns of nonsense instead of throwing', async () => {
    const via: PeerageProvider = {
      name: 'radio',
      // What both of its parts say is warned of once.
      poll: () => ['nonsense', 'nonsense'],
      serve: async ({ signal, found }) => {
        found(['b@H:4370', 'nonsense']);
        found(['nonsense']);
        found('b@h' as never);
        found([]);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const { mesh, log, cluster } = await start({ peerage: options(via) });
    expect(mesh.calls).toEqual([{ names: ['b@h'], source: { provider: 'radio', as: 'hint' } }]);
    await cluster.poll();
    expect(log.matching('Provider radio')).toEqual([
      'warn Provider radio gave names that are skipped, as they are not app@host: "nonsense"',
      expect.stringContaining(
        'Provider radio found nothing usable: It gave the text "b@h" instead of a list.',
      ),
    ]);
  });
});
