import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DashboardConfig } from '../programs/dashboard-config.js';
import { Chromium, focusedLabel, matrixOf, says, themeOf, widthsOf } from '../support/pages/browser.js';
import {
  Cluster,
  type ClusterNode,
  freePorts,
  nameOn,
  onLoopback,
  SECRET,
} from '../support/processes/cluster.js';
import { type Program, startProgram, stopPrograms } from '../support/processes/programs.js';
import { has } from '../support/requirements.mjs';
import { startNode } from '../support/apps/sample-nodes.js';

const programs: Program[] = [];
afterAll(() => stopPrograms(programs));

/** Starts a node that serves the dashboard, and returns where it answers. */
async function serve(
  port: number,
  names: readonly string[],
  more: Partial<DashboardConfig>,
): Promise<string> {
  const options = { appName: 'app', secret: SECRET, bind: '127.0.0.1', port };
  const config: DashboardConfig = { http: 'express', names, options, ...more };
  const program = startProgram('dashboard', { args: [JSON.stringify(config)], env: { NO_COLOR: '1' } });
  programs.push(program);
  const [, http] = await program.line(/^ready (\d+)$/, { timeoutMs: 60_000 });
  return `http://127.0.0.1:${http}`;
}

/** One news item of the stream, which must come as it is written. */
async function firstNews(url: string, headers: Record<string, string> = {}): Promise<any> {
  const ending = new AbortController();
  const { body, headers: given } = await fetch(url, { signal: ending.signal, headers });
  expect(given.get('content-type')).toContain('text/event-stream');
  let text = '';
  for await (const part of body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    const found = /^data: (.*)\n\n/m.exec(text);
    if (found) {
      ending.abort();
      return JSON.parse(found[1]!);
    }
  }
  throw new Error(`The stream ended: ${text}`);
}

describe.skipIf(!has('chromium-headless-shell'))('the dashboard in a browser', () => {
  const cluster = new Cluster();
  let chromium: Chromium;
  let ports: number[];
  let url: string;
  let page: Page;
  let killed: ClusterNode;
  let blocked: ClusterNode;

  beforeAll(async () => {
    ports = await freePorts(3);
    const names = ports.map((port) => nameOn(port));
    const via = [{ list: names }];
    const meta = { version: '1.4.2', zone: 'b', token: 'not for the page' };
    const [browser, base, ...nodes] = await Promise.all([
      Chromium.start(),
      serve(ports[0]!, names, { prefix: 'api', isHardened: true, works: true }),
      cluster.start(onLoopback(ports[1]!, { via, meta })),
      cluster.start(onLoopback(ports[2]!, { via })),
    ]);
    [killed, blocked] = nodes;
    chromium = browser;
    url = `${base}/api/peerage`;
    page = await chromium.page(url);
  });
  afterAll(async () => {
    await chromium?.stop();
    await cluster.stop();
  });

  it('shows what every node sees, of nodes too that know nothing of it', async () => {
    await says(page, '#summary', /^3 nodes, each sees every other$/);
    expect(await matrixOf(page)).toEqual([
      ['self', 'up', 'up'],
      ['up', 'self', 'up'],
      ['up', 'up', 'self'],
    ]);
    expect(await page.locator('#ring .link.well').count()).toBe(3);
    const rows = await says(page, '#nodes tbody', /1\.4\.2/);
    for (const port of ports) expect(rows).toContain(nameOn(port));
    expect(rows).toMatch(/2 of 2/);
    expect(await page.locator('#live').innerText()).toBe('live');
    expect(await page.content()).not.toContain('not for the page');
  });

  it('shows jobs, what of them ran last, and the keys that a node holds', async () => {
    const jobs = await says(page, '#jobs tbody', /counting\s.* ago on .*, took \d/);
    expect(jobs).toContain(nameOn(ports[0]!));
    const row = page.locator('#nodes tbody tr', { hasText: nameOn(ports[0]!) });
    await expect
      .poll(() => row.innerText(), { timeout: 20_000 })
      .toMatch(/lobby of rooms\s.*counting ran \d/);
  });

  it('is told by helmet, and by itself, what it may load, and heeds it', async () => {
    const { headers } = await fetch(url);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    // What helmet would say by itself; this machine is exempt from its upgrade to HTTPS.
    const helmets =
      "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests";
    const other = await chromium.page('about:blank');
    await other.route(url, async (route) => {
      const response = await route.fetch();
      await route.fulfill({
        response,
        headers: { ...response.headers(), 'content-security-policy': helmets },
      });
    });
    await other.goto(url);
    await says(other, '#summary', /^3 nodes/);
    await other.close();
    expect(chromium.complaints).toEqual([]);
  });

  it('is used by keyboard', async () => {
    await page.locator('#matrix td[tabindex="0"]').focus();
    await page.keyboard.press('ArrowRight');
    const label = await focusedLabel(page);
    const sorted = ports
      .map((port) => nameOn(port))
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    expect(label).toBe(`${sorted[0]} to ${sorted[1]}: sees it`);
    await says(page, '#cell-words', new RegExp(`${sorted[0]} → ${sorted[1]}: sees it`));
    await page.locator('#theme').focus();
    for (const theme of ['light', 'dark']) {
      await page.keyboard.press('Enter');
      expect(await themeOf(page)).toBe(theme);
    }
  });

  it('explains why a name is missing, and refuses what is no name', async () => {
    const [free] = await freePorts(1);
    await page.locator('#explain-name').fill(nameOn(free!));
    await page.keyboard.press('Enter');
    await says(page, '#explained', /No provider lists it and no peer told of it/);
    await page.locator('#explain-name').fill('no name');
    await page.keyboard.press('Enter');
    await says(page, '#explained', /app@host/);
  });

  it('fits on a phone', async () => {
    const phone = await chromium.page(url, { viewport: { width: 360, height: 700 }, hasTouch: true });
    await says(phone, '#summary', /^3 nodes/);
    const [wide, shown] = await widthsOf(phone);
    expect(wide).toBe(shown);
    await phone.close();
  });

  it('shows a node that is blocked, as the others tell it', async () => {
    const done = blocked.run('block', 6_000);
    await says(
      page,
      '#findings',
      new RegExp(`${blocked.name} answers no longer, since its event loop is blocked`),
    );
    await says(page, '#nodes tr[data-state="blocked"]', new RegExp(blocked.name));
    await done;
    await says(page, '#summary', /^3 nodes, each sees every other$/);
    await says(page, '#timeline', /runs again/);
  });

  it('shows at once that a node was killed, and how each other one knows', async () => {
    await killed.kill();
    await says(page, '#findings', new RegExp(`${killed.name} is gone: closed`));
    await says(page, '#timeline', new RegExp(`${killed.name} is down \\(closed\\): its connection ended`));
    await says(page, '#timeline li:first-child', /seen by 2/);
    expect(await page.locator('#nodes tr[data-state="gone"]').count()).toBe(1);
  });

  it('says that it has lost its node, which ends although a page is open', async () => {
    const [program] = programs;
    program!.signal('SIGTERM');
    expect(await program!.ended).toMatchObject({ signal: 'SIGTERM' });
    await says(page, '#live', /connection lost/);
    expect(await page.locator('#announcer').textContent()).toBe('The page has lost its node.');
  });
});

describe('the dashboard on Fastify', () => {
  it('has page, files and stream behind its guard, and the headers of helmet', async () => {
    const [port] = await freePorts(1);
    const base = await serve(port!, [], { http: 'fastify', isHardened: true, password: 'Basic of ops' });
    const headers = { authorization: 'Basic of ops' };
    for (const path of ['', '/assets/page.js', '/events', '/explain?name=a@b'])
      expect((await fetch(`${base}/peerage${path}`)).status, path).toBe(401);
    const html = await fetch(`${base}/peerage`, { headers });
    expect(html.headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(html.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
    expect(await html.text()).toContain('src="./peerage/assets/page.js"');
    const script = await fetch(`${base}/peerage/assets/page.js`, { headers });
    expect(script.headers.get('content-type')).toContain('text/javascript');
    expect((await fetch(`${base}/peerage/assets/nothing.js`, { headers })).status).toBe(404);
    const news = await firstNews(`${base}/peerage/events`, headers);
    expect(news).toMatchObject({ summary: 'One node, by itself', matrix: ['s'] });
    const told = await fetch(`${base}/peerage/explain?name=a@b`, { headers });
    expect(await told.json()).toMatchObject([{ answer: { state: 'unknown' } }]);
    expect((await fetch(`${base}/peerage/explain?name=nobody`, { headers })).status).toBe(400);
  });
});

describe('sample 09-dashboard', () => {
  it('shows the processes of the quick start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'peerage-dashboard-'));
    try {
      const env = { TMPDIR: folder, CLUSTER: folder, HTTP_PORT: '0' };
      const [sample] = [startNode('09-dashboard', env), startNode('01-quick-start', env)];
      const [, url] = await sample.line(/^Dashboard: (\S+)$/);
      await sample.line(/peer\.up/);
      const { nodes } = await firstNews(`${url}/events`);
      expect(nodes).toHaveLength(2);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
