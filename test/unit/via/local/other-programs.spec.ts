import { describe, expect, it } from 'vitest';
import type { LocalEntry } from '../../../../lib/via/local/local-file.js';
import { isOfCluster, OtherPrograms, programPath } from '../../../../lib/via/local/other-programs.js';

const entry: LocalEntry = {
  name: 'a@127.0.0.1:4001',
  bootId: 'ab'.repeat(16),
  pid: 7,
  pidSpace: 'host',
  startedAt: 1,
  cluster: 'shop',
  program: '/srv/worker/main',
};

describe('the path of a program', () => {
  it('is that of its script, whether or not its ending was given', () => {
    expect(programPath('/srv/api/dist/main.js', '/')).toBe('/srv/api/dist/main');
    expect(programPath('/srv/api/dist/main.mjs', '/')).toBe('/srv/api/dist/main');
    expect(programPath('/srv/api/dist/main', '/')).toBe('/srv/api/dist/main');
    expect(programPath('/srv/api/main.v2', '/')).toBe('/srv/api/main.v2');
  });

  it('is the working directory when a tool runs it', () => {
    expect(programPath(undefined, '/srv/api')).toBe('/srv/api');
  });

  it('is told by its end when it is long', () => {
    const path = programPath(`/${'x'.repeat(4_000)}/main.js`, '/');
    expect(path).toHaveLength(500);
    expect(path.endsWith('/main')).toBe(true);
  });
});

describe('an entry of another process', () => {
  it('is passed over when it says that its cluster is another', () => {
    expect(isOfCluster(entry, { label: 'shop', isDerived: false })).toBe(true);
    expect(isOfCluster(entry, { label: 'mail', isDerived: false })).toBe(false);
  });

  it('counts when one of the two does not say', () => {
    const { cluster: _, ...silent } = entry;
    expect(isOfCluster(silent, { label: 'mail', isDerived: true })).toBe(true);
    expect(isOfCluster(entry, undefined)).toBe(true);
  });
});

describe('another program in the cluster', () => {
  const warnings: string[] = [];
  const context = (isDerived: boolean) => ({
    cluster: { label: 'shop', isDerived },
    warn: (message: string) => void warnings.push(message),
  });

  it('is told once, with what to do, when nobody chose the name', () => {
    warnings.length = 0;
    const others = new OtherPrograms('/srv/api/main');
    others.look(entry, context(true));
    others.look({ ...entry, bootId: 'cd'.repeat(16), pid: 8 }, context(true));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('/srv/worker/main');
    expect(warnings[0]).toContain('PEERAGE_APP_NAME');
    others.look({ ...entry, program: '/srv/cron/main' }, context(true));
    expect(warnings).toHaveLength(2);
  });

  it('is none when it is the same program, does not say, or the name was chosen', () => {
    warnings.length = 0;
    const { program: _, ...silent } = entry;
    new OtherPrograms('/srv/worker/main').look(entry, context(true));
    new OtherPrograms('/srv/api/main').look(silent, context(true));
    new OtherPrograms('/srv/api/main').look(entry, context(false));
    expect(warnings).toEqual([]);
  });

  it('is told of a bounded number of programs', () => {
    warnings.length = 0;
    const others = new OtherPrograms('/srv/api/main');
    for (let i = 0; i < 100; i += 1) others.look({ ...entry, program: `/srv/${i}/main` }, context(true));
    expect(warnings).toHaveLength(16);
  });
});
