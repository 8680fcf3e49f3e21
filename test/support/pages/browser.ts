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
