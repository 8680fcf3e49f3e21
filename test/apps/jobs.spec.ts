import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { readManifest, run } from '../package/support/commands.js';
import { freePorts } from '../support/processes/cluster.js';

const sets = inject('sets');

/** Two nodes with the same two jobs; it prints what was run, until each was run three times. */
const APP = `
require('reflect-metadata');
const { setTimeout: sleep } = require('node:timers/promises');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { Cron, ScheduleModule } = require('@nestjs/schedule');
const { ClusterService, PeerageModule, RunOnce, viaList } = require('nestjs-peerage');

const runs = [];
class Jobs {
  above({ dueAt }) { runs.push(['above', dueAt.getTime()]); }
  below({ dueAt }) { runs.push(['below', dueAt.getTime()]); }
}
/** As a compiler does with what stands above a method, from top to bottom. */
function decorate(method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(Jobs.prototype, method);
  for (const each of decorators.reverse()) each(Jobs.prototype, method, descriptor);
  Object.defineProperty(Jobs.prototype, method, descriptor);
}
decorate('above', RunOnce(), Cron('* * * * * *'));
decorate('below', Cron('* * * * * *'), RunOnce());

const ports = process.argv.slice(2).map(Number);
const start = (port) => {
  const via = viaList(ports.map((each) => 'app@127.0.0.1:' + each));
  const peerage = PeerageModule.forRoot({ appName: 'app', bind: '127.0.0.1', port, via });
  class App {}
  Module({ imports: [ScheduleModule.forRoot(), peerage], providers: [Jobs] })(App);
  return NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
};
(async () => {
  const apps = await Promise.all(ports.map(start));
  await Promise.all(apps.map((app) => app.get(ClusterService).settled));
  const countOf = (method) => runs.filter(([name]) => name === method).length;
  for (let waited = 0; waited < 20 && Math.min(countOf('above'), countOf('below')) < 3; waited++) await sleep(1_000);
  for (const app of apps) await app.close();
  console.log('RUNS ' + JSON.stringify(runs));
})();
`;

it.each([
  [6, sets.nest11],
  [12, sets.nest12],
])(
  '@nestjs/schedule %i has its jobs run by one of two nodes, @RunOnce() above or below',
  async (version, set) => {
    expect(readManifest(join(set, 'node_modules/@nestjs/schedule')).version).toMatch(`${version}.`);
    const folder = join(set, 'apps', 'jobs');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'app.cjs'), APP);
    const ports = await freePorts(2);
    const output = run(process.execPath, ['app.cjs', ...ports.map(String)], folder);
    // cron prints lines of its own where it is late.
    const runs = JSON.parse(/^RUNS (.*)$/m.exec(output)![1]!) as [string, number][];
    for (const method of ['above', 'below']) {
      const dues = runs.filter(([name]) => name === method).map(([, dueMs]) => dueMs);
      expect(dues.length).toBeGreaterThan(2);
      expect(new Set(dues).size).toBe(dues.length);
    }
  },
);
