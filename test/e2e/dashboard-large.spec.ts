import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Happenings } from '../../lib/dashboard/happenings.js';
import { makeSnapshot } from '../../lib/dashboard/snapshot.js';
import type { Snapshot } from '../../lib/dashboard/snapshot.types.js';
import type { Told } from '../../lib/dashboard/told.js';
import { Chromium, focusedLabel, says } from '../support/pages/browser.js';
import { PageServer } from '../support/pages/page-server.js';
import { has } from '../support/requirements.mjs';
import { NOW_MS, whole } from '../unit/dashboard/told-nodes.js';

const NODES = 100;
const names = Array.from({ length: NODES }, (_, i) => `app@10.0.${Math.floor(i / 50)}.${(i % 50) + 1}`);

function snapshotOf(tolds: readonly Told[]): Snapshot {
  return makeSnapshot({ tolds, happenings: new Happenings(), nowMs: NOW_MS, freshMs: 5_000 });
}

describe.skipIf(!has('chromium-headless-shell'))('a page of a hundred nodes', () => {
  let chromium: Chromium;
  let server: PageServer;
  let page: Page;
  beforeAll(async () => {
    chromium = await Chromium.start();
    server = await PageServer.start(snapshotOf(whole(...names)));
    page = await chromium.page(server.url);
  });
  afterAll(async () => {
    server?.stop();
    await chromium?.stop();
  });

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
    expect(chromium.complaints).toEqual([]);
  });
});
