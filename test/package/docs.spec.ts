import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PAGES, readPage } from '../support/pages/pages.js';
import { repository } from './support/commands.js';

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

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page: string): string[] {
  const text = readPage(page).replace(/^```.*?^```$/gms, '');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Where links of a page lead to within these pages: a page, and a heading of it. */
function headingsLinkedIn(page: string): [string, string][] {
  const links = [...readPage(page).matchAll(/\]\(((?!https?:)[^)#\s]*)#([^)\s]+)\)/g)];
  return links.map(([, to = '', anchor = '']) => [to === '' ? page : join(dirname(page), to), anchor]);
}

it('README.md leads to every page', () => {
  const readme = readPage('README.md');
  expect(PAGES.filter((page) => page !== 'README.md' && !readme.includes(`](${page})`))).toEqual([]);
});

describe.each(PAGES)('%s', (page) => {
  const text = readPage(page);

  it('names only files that exist', () => {
    expect(namedIn(text).filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });

  it('names only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scriptsIn(text).filter((name) => !(name in scripts))).toEqual([]);
  });

  it('starts apps in a way that CommonJS can: no await outside of functions', () => {
    expect(text.match(/^await bootstrap\(/m)).toBeNull();
  });

  it('links only to pages and headings that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, to = '']) => to);
    expect(links.filter((to) => !existsSync(join(repository, dirname(page), to)))).toEqual([]);
    const headings = headingsLinkedIn(page).filter(([to, anchor]) => !anchorsOf(to).includes(anchor));
    expect(headings).toEqual([]);
  });
});
