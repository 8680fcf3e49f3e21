import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DashboardConfig } from '../programs/dashboard-config.js';
import { Chromium, matrixOf, says } from '../support/pages/browser.js';
import { SECRET } from '../support/processes/cluster.js';
import { dropFrom, Lab } from '../support/net/net-lab.js';
import { LabNodes } from '../support/net/net-nodes.js';
import { type Program, startProgram } from '../support/processes/programs.js';
import { has } from '../support/requirements.mjs';

const hasAll = has('netns') && has('chromium-headless-shell');

describe.skipIf(!hasAll)('a link that is cut one way, on the dashboard', () => {
  let lab: Lab;
  let others: LabNodes;
  let server: Program;
  let chromium: Chromium;

  beforeAll(async () => {
    lab = await Lab.open(3);
    others = new LabNodes(lab);
    const [host, ...rest] = lab.hosts;
    const names = lab.hosts.map(({ address }) => `app@${address}`);
    const config: DashboardConfig = {
      http: 'express',
      port: 3000,
      names,
      options: { appName: 'app', secret: SECRET, host: host!.address, port: 4370 },
    };
    server = startProgram('dashboard', { args: [JSON.stringify(config)], namespace: host!.namespace });
    await Promise.all(rest.map((_, i) => others.launch(i + 1).started(60_000)));
    await server.line(/^ready/, { timeoutMs: 60_000 });
    chromium = await Chromium.start(host!.namespace);
  });
  afterAll(async () => {
    await chromium?.stop();
    await others?.stop();
    await server?.stop();
    await lab?.close();
  });

  it('is told from both of its sides, that which the serving node does not see too, and heals', async () => {
    const page = await chromium.page('http://127.0.0.1:3000/peerage');
    await says(page, '#summary', /^3 nodes, each sees every other$/);
    const [a, b] = lab.hosts;
    // What the second host sends is lost on its way to the first, which serves the page.
    await a!.judgeInput(dropFrom(b!));
    const name = (host: typeof a) => `app@${host!.address}`;
    const cut = `${name(a)} and ${name(b)} do not see each other, though ${name(lab.hosts[2])} sees both`;
    await says(page, '#findings', new RegExp(cut), 30_000);
    expect(await matrixOf(page)).toEqual([
      ['self', 'unseen', 'up'],
      ['unseen', 'self', 'up'],
      ['up', 'up', 'self'],
    ]);
    await says(
      page,
      '#timeline',
      new RegExp(`${name(b)} is down \\(timeout\\): .*asked: ${name(lab.hosts[2])} hears it`),
    );
    await a!.heal();
    await says(page, '#summary', /^3 nodes, each sees every other$/, 30_000);
    await page.close();
  });
});
