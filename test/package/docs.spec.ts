import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from './support/commands.js';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(repository, 'docs')).map((name) => `docs/${name}`),
];

/** Files and folders of the repository that a page names. */
function namedIn(text: string): string[] {
  const paths = text.matchAll(/\b(?:lib|test|sample|docs)\/[\w./-]*\w/g);
  return [...new Set([...paths].map(([path]) => path))];
}

/** Scripts of package.json that a page tells to run. */
function scriptsIn(text: string): string[] {
  return [
    ...new Set([...text.matchAll(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, name = '']) => name)),
  ];
}

describe.each(pages)('%s', (page) => {
  const text = readFileSync(join(repository, page), 'utf8');

  it('names only files that exist', () => {
    expect(namedIn(text).filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });

  it('names only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scriptsIn(text).filter((name) => !(name in scripts))).toEqual([]);
  });

  it('links only to pages that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, to = '']) => to);
    const folder = page.includes('/') ? 'docs' : '.';
    expect(links.filter((to) => !existsSync(join(repository, folder, to)))).toEqual([]);
  });
});
