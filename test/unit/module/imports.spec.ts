import { Logger, Module } from '@nestjs/common';
import type { ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PeerageModule } from '../../../lib/index.js';
import type { PeerageError } from '../../../lib/index.js';
import { locationOf, locations, warningOfCopies } from '../../../lib/cluster/loaded-copies.js';
import { thrownBy } from '../../support/errors.js';
import { fakeApp } from '../../support/apps/nest-app.js';

/** What an app with these imports throws when it is created. */
function startError(imports: NonNullable<ModuleMetadata['imports']>): Promise<PeerageError> {
  @Module({ imports })
  class App {}
  return thrownBy(() => Test.createTestingModule({ imports: [App] }).compile());
}

describe('PeerageModule among imports', () => {
  it.each([[null], ['dns:app'], [7], [[]], [[{}]]])('refuses %j for options', async (options: unknown) => {
    for (const module of [
      PeerageModule.forRoot(options as never),
      PeerageModule.forRootAsync({ useFactory: () => options as never }),
    ]) {
      const error = await startError([module]);
      expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
      expect(error.message).toMatch(/options: .* does not work; give an object/);
    }
  });

  it.each([
    ['alone', [PeerageModule]],
    ['beside the one with options', [PeerageModule.forRoot({ appName: 'a' }), PeerageModule]],
  ])('asks for forRoot() when it stands there without, %s', async (_, imports) => {
    const error = await startError(imports);
    expect(error.code).toBe('INVALID_OPTIONS');
    expect(error.message).toContain('Import PeerageModule.forRoot() once, in the root module');
  });
});

describe('an option that is given, but undefined', () => {
  it('is as left out, and a secret is told of', async () => {
    const { module, log } = await fakeApp({
      peerage: { secret: undefined, tls: undefined, port: undefined },
    });
    await module.init();
    await module.close();
    expect(log.matching('secret was given, but is empty or undefined')).toHaveLength(1);
    expect(log.matching('secret was given, but is empty or undefined')[0]).toMatch(/^warn /);
  });

  it('is not told of when it was left out, or something else protects the node', async () => {
    for (const peerage of [{}, { port: undefined }]) {
      const { module, log } = await fakeApp({ peerage });
      await module.init();
      await module.close();
      expect(log.matching('is undefined')).toEqual([]);
    }
  });
});

describe('copies of the package', () => {
  afterEach(() => vi.restoreAllMocks());

  it('are one when it was loaded once, however often its files were evaluated', () => {
    expect([...locations]).toEqual([expect.stringMatching(/^\/.*[/\\]lib$/)]);
    expect(warningOfCopies()).toBeUndefined();
  });

  it('are told of, with their places', async () => {
    const places = locations as Set<string>;
    places.add('/elsewhere/node_modules/nestjs-peerage/dist/cjs');
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    try {
      await fakeApp();
    } finally {
      places.delete('/elsewhere/node_modules/nestjs-peerage/dist/cjs');
    }
    expect(warn.mock.calls.flat().join()).toMatch(
      /2 copies of nestjs-peerage .*\n.*lib\n.*elsewhere.*dist\/cjs/s,
    );
  });

  it.each([
    [
      '    at file:///app/node_modules/p/dist/esm/cluster/loaded-copies.js:7:60',
      '/app/node_modules/p/dist/esm',
    ],
    ['    at file:///app/p/dist/esm/cluster/loaded-copies.js?v=1:7:60', '/app/p/dist/esm'],
    [
      '    at Object.<anonymous> (/a p/node_modules/p/dist/cjs/cluster/loaded-copies.js:9:1)',
      '/a p/node_modules/p/dist/cjs',
    ],
    [
      '    at Object.<anonymous> (C:\\app\\p\\dist\\cjs\\cluster\\loaded-copies.js:9:1)',
      'C:\\app\\p\\dist\\cjs',
    ],
    ['    at async (/srv/bundle.js:1:200)', '/srv/bundle.js'],
    ['', 'unknown'],
  ])('lie where a stack says: %s', (frame, place) => {
    expect(
      locationOf({ name: '', message: '', stack: `Error\n${frame}\n    at other (/other.js:1:1)` }),
    ).toBe(frame === '' ? '/other.js' : place);
    expect(locationOf({ name: '', message: '', stack: frame && `Error\n${frame}` })).toBe(place);
  });
});
