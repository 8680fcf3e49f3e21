import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { isRoot, pathOf } from '../requirements.mjs';

/** Chromium of this machine, in a network namespace if one is named, and what its pages complain of. */
export class Chromium {
  readonly complaints: string[] = [];

  private constructor(
    private readonly browser: Browser,
    private readonly folder: string,
  ) {}

  static async start(namespace?: string): Promise<Chromium> {
    const shell = pathOf('chromium-headless-shell')!;
    const folder = mkdtempSync(join(tmpdir(), 'peerage-browser-'));
    const command =
      namespace === undefined ? `exec '${shell}'` : `exec ip netns exec '${namespace}' '${shell}'`;
    const executablePath = join(folder, 'browser');
    writeFileSync(executablePath, `#!/bin/sh\n${command} "$@"\n`, { mode: 0o755 });
    const args = isRoot ? ['--no-sandbox'] : [];
    return new Chromium(await chromium.launch({ executablePath, args }), folder);
  }

  async page(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
    const page = await this.browser.newPage(options);
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  async stop(): Promise<void> {
    await this.browser.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until a part of the page says it. */
export async function says(page: Page, selector: string, text: RegExp, timeoutMs = 20_000): Promise<string> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const words = (await page.locator(selector).allInnerTexts()).join('\n');
    if (text.test(words)) return words;
    if (performance.now() > endMs) throw new Error(`${selector} does not say ${text} but:\n${words}`);
    await sleep(50);
  }
}

/** Runs in the page, whose types are not known here. */
const inPage = <T>(page: Page, code: string): Promise<T> => page.evaluate(code);

/** What each row of the matrix says: the names of the classes of its cells. */
export function matrixOf(page: Page): Promise<string[][]> {
  const rows = `[...document.querySelectorAll('#matrix tr:has(td.self)')]`;
  return inPage(page, `${rows}.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.className))`);
}

/** What a screen reader says of where the keyboard is. */
export function focusedLabel(page: Page): Promise<string> {
  return inPage(page, `document.activeElement.getAttribute('aria-label')`);
}

export function themeOf(page: Page): Promise<string> {
  return inPage(page, `document.documentElement.dataset.theme`);
}

/** How wide the page is, and how much of it is shown. */
export function widthsOf(page: Page): Promise<[number, number]> {
  return inPage(page, `[document.documentElement.scrollWidth, innerWidth]`);
}

/** What a screen reader is given of one thing on the page. */
export interface Spoken {
  readonly role: string;
  readonly name: string;
  readonly description: string;
  /** How it is told of when it changes, if it is. */
  readonly live?: string;
}

/** The accessibility tree of the page, in order, without what is not told. */
export async function spokenOn(page: Page): Promise<Spoken[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  return nodes
    .filter(({ ignored }) => !ignored)
    .map(({ role, name, description, properties }) => {
      const live = properties?.find((property) => property.name === 'live')?.value.value as
        string | undefined;
      return {
        role: String(role?.value),
        name: String(name?.value ?? ''),
        description: String(description?.value ?? ''),
        ...(live !== undefined && { live }),
      };
    });
}

/** Goes through the page by the tabulator. Returns what it came by, until it left the page, and how each is told. */
export async function tabThrough(page: Page, most = 100): Promise<string[]> {
  const stops: string[] = [];
  await inPage(page, `document.activeElement.blur()`);
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab');
    const stop = await inPage<string | null>(
      page,
      `document.activeElement === document.body ? null : document.activeElement.id || document.activeElement.tagName + ' ' + (document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim())`,
    );
    if (stop === null) break;
    if (stops[0] === stop) break;
    stops.push(stop);
  }
  return stops;
}

/** Everything on the page that can be clicked or typed into, and is there to be seen. */
export function controlsOf(page: Page): Promise<number> {
  return inPage(
    page,
    `[...document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')].filter((one) => one.checkVisibility()).length`,
  );
}
