import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PAGE_FILES } from '../../../lib/dashboard/page.source.js';
import { CELLS } from '../../../lib/dashboard/snapshot.types.js';
import { makePage } from '../../../scripts/inline-page.mjs';

const html = PAGE_FILES['page.html']!;

describe('the page', () => {
  it('is made of its files as they are', () => {
    const text = readFileSync(new URL('../../../lib/dashboard/page.source.ts', import.meta.url), 'utf8');
    expect(text, 'Run: npm run build:page').toBe(makePage());
  });

  it('has no script and no style in its markup, which a Content-Security-Policy forbids', () => {
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i);
    expect([...html.matchAll(/<script[^>]*>([^]*?)<\/script>/g)].map(([, text]) => text)).toEqual(['']);
    const scripts = Object.entries(PAGE_FILES).filter(([name]) => name.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(5);
    for (const [name, text] of scripts)
      expect(text, name).not.toMatch(
        /innerHTML|insertAdjacentHTML|document\.write|\beval\b|setAttribute\('style'/,
      );
  });

  it('loads nothing from elsewhere', () => {
    for (const [name, text] of Object.entries(PAGE_FILES)) {
      const addresses = [...text.matchAll(/(?:https?:)?\/\/[a-z][\w.-]+\.[a-z]+[^\s'"`]*/gi)].map(
        ([url]) => url,
      );
      // The name of a namespace, which nobody fetches.
      expect(
        addresses.filter((url) => !url.endsWith('/2000/svg')),
        name,
      ).toEqual([]);
    }
  });

  it('knows every kind of cell, and says of it what the snapshot means', () => {
    const lines = PAGE_FILES['matrix.js']!.split('\n').map((line) => line.trim());
    for (const [cell, says] of Object.entries(CELLS)) {
      const key = /\w/.test(cell) ? cell : `'${cell}'`;
      const looks = lines.find((line) => line.startsWith(`${key}: {`));
      expect(looks, cell).toContain(`says: '${says}'`);
    }
  });

  it('names each of its parts', () => {
    const labelled = [...html.matchAll(/<section[^>]*aria-labelledby="([\w-]+)"/g)].map(([, id]) => id);
    expect(labelled.length).toBe(html.match(/<section/g)!.length);
    for (const id of labelled) expect(html).toContain(`<h2 id="${id}"`);
    for (const [, id] of html.matchAll(/<label for="([\w-]+)"/g)) expect(html).toContain(`<input id="${id}"`);
  });
});
