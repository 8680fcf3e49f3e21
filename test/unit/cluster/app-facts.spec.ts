import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppFacts } from '../../../lib/cluster/apps/app-facts.js';
import { boundFacts, differenceOf, readFacts } from '../../../lib/cluster/apps/app-facts.js';
import { ownProgram } from '../../../lib/cluster/apps/own-program.js';

const facts: AppFacts = {
  package: '@acme/shop',
  script: 'dist/main',
  path: '/srv/shop/dist/main',
  machine: 'one',
  handles: ['orders.find'],
};

describe('what may be another app', () => {
  it.each<[string, Partial<AppFacts>, RegExp | undefined]>([
    ['one of another package', { package: '@other/shop' }, /^package "@other\/shop", ours is "@acme\/shop"$/],
    ['another program of the package', { script: 'dist/cron', machine: 'two' }, /^program "dist\/cron"/],
    ['another folder of this machine', { path: '/srv/mail/dist/main' }, /^program "\/srv\/mail\/dist\/main"/],
    ['another folder of another machine', { path: '/app/dist/main', machine: 'two' }, undefined],
    [
      'other handlers',
      { handles: ['mails.send'] },
      /"mails\.send", which we have not, and we "orders\.find"/,
    ],
    ['more handlers', { handles: ['orders.find', 'orders.add'] }, undefined],
    ['fewer handlers', { handles: [] }, undefined],
    ['one without a package', { package: '' }, /^package "", ours/],
  ])('%s', (_what, other, difference) => {
    const told = differenceOf(facts, { ...facts, ...other });
    if (difference === undefined) expect(told).toBeUndefined();
    else expect(told).toMatch(difference);
  });

  const any = fc.record({
    package: fc.constantFrom('a', '@b/a'),
    script: fc.constantFrom('dist/main', 'dist/cron'),
    path: fc.constantFrom('/x', '/y'),
    machine: fc.constantFrom('one', 'two'),
    handles: fc.subarray(['a', 'b', 'c']),
  });

  it('is seen by both or by neither, and never of a node like oneself', () => {
    fc.assert(
      fc.property(any, any, (one, two) => {
        expect(differenceOf(one, two) === undefined).toBe(differenceOf(two, one) === undefined);
        expect(differenceOf(one, { ...one })).toBeUndefined();
      }),
    );
  });

  const constants = {
    package: fc.constant(facts.package),
    path: fc.string(),
    machine: fc.string(),
  };

  it('is read from whatever a node says, in bounds', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.record({ ...constants, handles: fc.anything(), script: fc.string() })),
        (said) => {
          const read = readFacts(said);
          if (read) expect(boundFacts(read)).toEqual(read);
        },
      ),
    );
    expect(readFacts({ ...facts, path: 'x'.repeat(10_000) })?.path).toHaveLength(500);
    expect(readFacts(facts)).toEqual(facts);
  });
});

describe('the program of this process', () => {
  const here = import.meta.dirname;
  const root = here.slice(0, here.indexOf('/test/unit'));

  it('is its script in its package, whether or not its ending was given', () => {
    for (const script of ['main.js', 'main.mjs', 'main.ts', 'main'])
      expect(ownProgram(`${root}/dist/${script}`)).toMatchObject({
        package: 'nestjs-peerage',
        script: 'dist/main',
        path: `${root}/dist/main`,
      });
  });

  it('is the working directory when a tool runs it', () => {
    expect(ownProgram(undefined, `${root}/test`)).toMatchObject({ script: 'test', path: `${root}/test` });
  });
});
