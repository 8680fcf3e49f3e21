import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Happenings } from '../../lib/dashboard/happenings.js';
import { makeSnapshot } from '../../lib/dashboard/snapshot.js';
import type { Snapshot } from '../../lib/dashboard/snapshot.types.js';
import type { Told } from '../../lib/dashboard/told.js';
import {
  Chromium,
  controlsOf,
  focusedLabel,
  says,
  spokenOn,
  tabThrough,
  widthsOf,
} from '../support/pages/browser.js';
import { PageServer } from '../support/pages/page-server.js';
import { has } from '../support/requirements.mjs';
import { NOW_MS, toldNode, whole } from '../unit/dashboard/told-nodes.js';

const NODES = 100;
const names = Array.from({ length: NODES }, (_, i) => `app@10.0.${Math.floor(i / 50)}.${(i % 50) + 1}`);

function snapshotOf(tolds: readonly Told[]): Snapshot {
  return makeSnapshot({ tolds, happenings: new Happenings(), nowMs: NOW_MS, freshMs: 5_000 });
}

let chromium: Chromium | undefined;
beforeAll(async () => {
  if (has('chromium-headless-shell')) chromium = await Chromium.start();
});
afterAll(() => chromium?.stop());

describe.skipIf(!has('chromium-headless-shell'))('a page of a hundred nodes', () => {
  let server: PageServer;
  let page: Page;
  beforeAll(async () => {
    server = await PageServer.start(snapshotOf(whole(...names)));
    page = await chromium!.page(server.url);
  });
  afterAll(() => server?.stop());

  it('shows them all, and no ring', async () => {
    await says(page, '#summary', /^100 nodes, each sees every other$/);
    expect(await page.locator('#matrix td.up').count()).toBe(NODES * (NODES - 1));
    expect(await page.locator('#nodes tbody tr').count()).toBe(NODES);
    expect(await page.locator('#ring-section').isVisible()).toBe(false);
  });

  it('finds one by its name', async () => {
    await page.locator('#filter').fill('10.0.1.7');
    expect(await page.locator('#nodes tbody tr').count()).toBe(1);
    await page.locator('#filter').fill('');
  });

  it('changes what has changed, and nothing else: the keyboard stays where it is', async () => {
    await page.locator('#matrix td[tabindex="0"]').focus();
    await page.keyboard.press('End');
    const before = await focusedLabel(page);
    const tolds = whole(...names);
    const [first, ...rest] = tolds;
    const cut = { ...first!, view: { ...first!.view!, peers: first!.view!.peers.slice(1) } };
    server.tell(snapshotOf([cut, ...rest]));
    await says(page, '#findings', /sees app@10\.0\.0\.1 and is not seen by it: a one-sided link/);
    expect(await page.locator('#matrix td.unseen').count()).toBe(1);
    expect(await page.locator('#matrix td.one-sided').count()).toBe(1);
    expect(await focusedLabel(page)).toBe(before);
    expect(chromium!.complaints).toEqual([]);
  });

  it('fits on a phone: only the matrix is moved sideways, in its own box', async () => {
    await page.setViewportSize({ width: 360, height: 700 });
    const [wide, shown] = await widthsOf(page);
    expect(wide).toBe(shown);
    expect(await page.locator('#nodes tbody tr').count()).toBe(NODES);
  });
});

/** Three nodes with a bit of everything: a cut, a job, a key, a provider that fails, a note, something that happened. */
function troubled(): Snapshot {
  const [a, b, c] = names as [string, string, string];
  const failing = [
    { name: 'dns:shop', state: 'failing' as const, names: 2, failingForMs: 8_000, error: 'SERVFAIL' },
  ];
  const job = { name: 'nightly', running: 0, runs: 1, failed: 0, missed: 0, duplicates: 0 };
  const happenings = new Happenings();
  const event = { number: 1, agoMs: 1_000, type: 'peer.down', about: b, reason: 'timeout', why: 'silent' };
  happenings.add({ bootId: 'id', name: a }, [event], NOW_MS);
  const tolds = [
    toldNode(a, [c], { providers: failing, holds: ['a of rooms'], notes: ['UDP is blocked at this host'] }),
    toldNode(b, [c], { jobs: [{ ...job, last: { agoMs: 3_000, tookMs: 20 } }] }),
    toldNode(c, [a, b]),
  ];
  return makeSnapshot({ tolds, happenings, nowMs: NOW_MS, freshMs: 5_000 });
}

describe.skipIf(!has('chromium-headless-shell'))('a page without a screen, or without a mouse', () => {
  let server: PageServer;
  let page: Page;
  beforeAll(async () => {
    server = await PageServer.start(troubled());
    page = await chromium!.page(server.url);
    await says(page, '#summary', /^3 nodes/);
  });
  afterAll(() => server?.stop());

  it('has landmarks, headings and regions with names', async () => {
    const spoken = await spokenOn(page);
    const named = (role: string): string[] =>
      spoken.filter((one) => one.role === role).map(({ name }) => name);
    expect(named('banner')).toHaveLength(1);
    expect(named('main')).toHaveLength(1);
    const titles = [
      'How it stands',
      'Ring',
      'Who sees whom',
      'Nodes',
      'Jobs',
      'What happened',
      'Why is a node missing?',
      'Where names come from',
      'What does not work',
    ];
    expect(named('heading')).toEqual(['shop', ...titles]);
    for (const title of titles) expect(named('region')).toContain(title);
    expect(named('image')).toEqual([expect.stringMatching(/^Ring: 3 nodes; 2 of 6 views are missing/)]);
    for (const role of ['button', 'textbox', 'searchbox', 'combobox', 'link', 'grid', 'table'])
      for (const name of named(role)) expect(name, role).not.toBe('');
    expect(named('searchbox')).toEqual(['Filter']);
  });

  it('has tables with headers of rows and columns, laid out as cards on a phone as well', async () => {
    const [a, b, c] = names as [string, string, string];
    for (const width of [1_200, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const spoken = await spokenOn(page);
      const named = (role: string): string[] =>
        spoken.filter((one) => one.role === role).map(({ name }) => name);
      expect(named('grid')).toEqual(['Who sees whom']);
      expect(named('table').toSorted()).toEqual(['Jobs', 'Nodes']);
      const rowHeaders = named('rowheader').join('\n');
      for (const name of [a, b, c, 'nightly']) expect(rowHeaders).toContain(name);
      expect(named('gridcell')).toContain(`${a} to ${b}: does not see it`);
      if (width > 720)
        for (const title of ['Node', 'Status', 'Sees', 'Holds', 'Jobs', 'Last run'])
          expect(named('columnheader')).toContain(title);
      expect(named('cell').some((name) => name.includes('a of rooms'))).toBe(true);
    }
    await page.setViewportSize({ width: 1_200, height: 800 });
  });

  it('says what is new, once: not that time has passed', async () => {
    const polite = (await spokenOn(page)).filter(({ live }) => live === 'polite');
    expect(polite.length).toBeGreaterThan(0);
    const said = () => page.locator('#announcer').textContent();
    expect(await said()).toMatch(/^3 nodes; 2 of 6 views are missing .*do not see each other.*dns:shop/);
    const snapshot = troubled();
    const later = { ...snapshot, findings: snapshot.findings.map((one) => ({ ...one })) };
    later.findings[1] = {
      ...later.findings[1]!,
      text: later.findings[1]!.text.replace('for 8.0 s', 'for 10.0 s'),
    };
    expect(later.findings[1].text).toContain('for 10.0 s');
    server.tell(later);
    await says(page, '#findings', /for 10\.0 s/);
    expect(await said()).toContain('for 8.0 s');
    server.tell(snapshotOf(whole(...names.slice(0, 3))));
    await says(page, '#summary', /^3 nodes, each sees every other$/);
    expect(await said()).toBe('3 nodes, each sees every other');
    server.tell(snapshot);
    await says(page, '#summary', /^3 nodes; 2 of/);
  });

  it('is used by the tabulator alone, and each stop has a name', async () => {
    const stops = await tabThrough(page);
    expect(new Set(stops).size).toBe(stops.length);
    expect(stops).toHaveLength(await controlsOf(page));
    expect(stops).toEqual(expect.arrayContaining(['theme', 'filter', 'explain-name']));
    expect(stops.some((stop) => stop.startsWith('TD '))).toBe(true);
    expect(stops.some((stop) => stop.startsWith('SUMMARY '))).toBe(true);
    await page.locator('#matrix td[tabindex="0"]').focus();
    await page.keyboard.press('ArrowRight');
    const cell = (await spokenOn(page)).find(
      ({ description }) => description !== '' && description.includes('→'),
    );
    expect(cell).toMatchObject({ role: 'gridcell', description: expect.stringContaining('does not see it') });
  });
});
