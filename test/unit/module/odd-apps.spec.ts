import { Injectable, Logger, Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterService, OnClusterMessage, OnPeerUp, PeerageModule, viaSelf } from '../../../lib/index.js';
import { PEERAGE_MESH } from '../../../lib/peerage.constants.js';
import { CapturedLog } from '../../support/captured-log.js';
import { FakeMesh, FakeNetwork } from '../../support/mesh/fake-mesh.js';
import { settings } from '../../support/peerage-settings.js';

/** Puts another function in the place of a method, as decorators for tracing and transactions do. */
function Wrap(): MethodDecorator {
  return (_target, _key, descriptor) => {
    const method = descriptor.value as unknown as (...args: unknown[]) => unknown;
    const wrapped = function (this: { calls: string[] }, ...args: unknown[]): unknown {
      this.calls.push('wrapped');
      return method.apply(this, args);
    };
    descriptor.value = wrapped as never;
  };
}

@Injectable()
class Watch {
  readonly calls: string[] = [];

  @Wrap()
  @OnPeerUp()
  outside(): void {
    this.calls.push('outside');
  }

  @OnPeerUp()
  @Wrap()
  inside(): void {
    this.calls.push('inside');
  }

  @OnPeerUp()
  replaced(): void {
    this.calls.push('never');
  }
}

@Injectable()
class Heir extends Watch {
  override replaced(): void {
    this.calls.push('never either');
  }
}

@Injectable()
class Late {
  readonly calls: string[] = [];

  @OnPeerUp()
  @OnClusterMessage('late')
  up(): void {
    this.calls.push('up');
  }
}

@Module({ providers: [Late] })
class LateModule {}

/** A mock of a strict kind: to touch what was not prepared is an error. */
class Strict {
  method(): void {}
}
const strict: unknown = new Proxy(new Strict(), {
  get: (target, key, receiver) => {
    if (key === 'method') throw new Error('not prepared');
    return Reflect.get(target, key, receiver) as unknown;
  },
  getPrototypeOf: (target) => Reflect.getPrototypeOf(target),
});
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function start(providers: readonly unknown[] = []) {
  const mesh = new FakeMesh(new FakeNetwork(), settings());
  const log = new CapturedLog();
  Logger.overrideLogger(['debug', 'log', 'warn', 'error', 'verbose', 'fatal']);
  const module = await Test.createTestingModule({
    imports: [PeerageModule.forRoot({ appName: 'app', via: viaSelf() })],
    providers: [...(providers as never[])],
  })
    .setLogger(log)
    .overrideProvider(PEERAGE_MESH)
    .useValue(mesh)
    .compile();
  await module.init();
  closing.push(() => module.close());
  return { module, mesh, log };
}

describe('handlers', () => {
  it('are called when another decorator replaced the method, above or below', async () => {
    const { module, mesh, log } = await start([Heir]);
    mesh.join('b@10.0.0.2');
    await vi.waitFor(() => expect(module.get(Heir).calls).toHaveLength(4));
    expect([...module.get(Heir).calls].sort()).toEqual(['inside', 'outside', 'wrapped', 'wrapped']);
    expect(log.matching('debug Bound: ').join()).toContain('Heir.outside (peer.up)');
  });

  it('of lazy modules are bound by a call', async () => {
    const { module, mesh } = await start();
    const late = (await module.get(LazyModuleLoader).load(() => LateModule)).get(Late);
    mesh.join('b@10.0.0.2');
    module.get(ClusterService).bindHandlers();
    module.get(ClusterService).bindHandlers();
    mesh.join('c@10.0.0.3');
    await vi.waitFor(() => expect(late.calls).toEqual(['up']));
  });

  it('are not looked for where a look is an error', async () => {
    const { mesh } = await start([{ provide: 'STRICT', useValue: strict }]);
    expect(mesh.state).toBe('running');
  });
});

describe('a test that puts another ClusterService in its place', () => {
  it('starts no node', async () => {
    const mesh = new FakeMesh(new FakeNetwork(), settings());
    const startMesh = vi.spyOn(mesh, 'start');
    const fake = Object.assign(Object.create(ClusterService.prototype) as object, { broadcast: vi.fn() });
    const module = await Test.createTestingModule({
      imports: [
        PeerageModule.forRoot({ appName: 'app', via: viaSelf(), waitFor: { peers: 1, timeoutMs: 1 } }),
      ],
      providers: [Watch],
    })
      .overrideProvider(PEERAGE_MESH)
      .useValue(mesh)
      .overrideProvider(ClusterService)
      .useValue(fake)
      .compile();
    await module.init();
    await module.close();
    expect(startMesh).not.toHaveBeenCalled();
    expect(mesh.calls).toEqual([]);
  });
});
