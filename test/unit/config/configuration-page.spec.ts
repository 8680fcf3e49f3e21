import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { VARIABLES, variableOf } from '../../../lib/config/environment.js';
import { checkOptions } from '../../../lib/settings/check-options.js';
import { resolveSettings } from '../../../lib/settings/settings.js';
import { readPage } from '../../support/pages/pages.js';

interface Row {
  /** Paths of options. */
  readonly options: readonly string[];
  readonly variables: readonly string[];
  readonly default: string;
}

/** The rows of the tables of options: their second column has variables. */
const rows: Row[] = readPage('docs/configuration.md')
  .split('\n')
  .filter((line) => /^\| `[\w.]+`[^|]*\| `PEERAGE_/.test(line))
  .map((line) => {
    const [, options = '', variables = '', value = ''] = line.split('|');
    return { options: codesIn(options), variables: codesIn(variables), default: value.trim() };
  });

const documented = rows.flatMap(({ options }) => options);

function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}

/** The options that the type has. */
function declaredOptions(): string[] {
  const file = fileURLToPath(new URL('../../../lib/peerage.options.ts', import.meta.url));
  const source = readFileSync(file, 'utf8');
  const [, body = ''] = /export interface PeerageModuleOptions \{(.*?)\n\}/s.exec(source) ?? [];
  return [...body.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name!);
}

/** An option, of a group perhaps, set to something. */
function optionsWith(path: string): unknown {
  const [outer = path, inner] = path.split('.');
  return { [outer]: inner === undefined ? undefined : { [inner]: undefined } };
}

function valueAt(settings: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], settings);
}

describe('docs/configuration.md', () => {
  it('has every option, and none that does not exist', () => {
    expect(rows.length).toBeGreaterThan(30);
    const groups = new Set(documented.map((path) => path.split('.')[0]));
    expect(declaredOptions().filter((name) => !groups.has(name))).toEqual([]);
    const unknown = documented.filter((path) =>
      checkOptions(optionsWith(path)).list.some(({ problem }) => problem.includes('no such option')),
    );
    expect(unknown).toEqual([]);
  });

  it('has every variable, and none that does not exist', () => {
    const shown = rows.flatMap(({ variables }) => variables);
    expect(shown.toSorted()).toEqual(VARIABLES.toSorted());
    for (const { options, variables } of rows)
      for (const option of options) expect(variables, option).toContain(variableOf(option));
  });

  it('tells the defaults as they are', () => {
    const settings = resolveSettings({}, { env: {}, interfaces: () => ({}), packageName: () => 'shop' });
    const wrong = documented.flatMap((path) => {
      const value = valueAt(settings, path);
      const row = rows.find(({ options }) => options.includes(path))!;
      const isPlain = typeof value === 'number' || typeof value === 'boolean';
      return isPlain && !row.default.startsWith(`\`${value}\``) ? [`${path}: ${value}`] : [];
    });
    expect(wrong).toEqual([]);
  });
});
