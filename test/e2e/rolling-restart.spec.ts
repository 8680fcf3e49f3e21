import { afterEach, describe, expect, it } from 'vitest';
import { stopPrograms } from '../support/processes/programs.js';
import { Replicas, fetched } from '../support/apps/replicas.js';

let replicas: Replicas;
afterEach(() => stopPrograms(replicas.programs));

/** On a busy machine a process takes its time to end; it never waits out a time limit. */
const DRAIN_MS = 20_000;

describe.each([
  { http: 'express', signal: 'SIGTERM' },
  { http: 'fastify', signal: 'SIGTERM' },
  { http: 'express', closeOn: 'SIGUSR2', signal: 'SIGUSR2' },
] as const)('a rolling restart of three replicas on $http, ended by $signal', ({ signal, ...config }) => {
  it(
    'fails no request, neither over HTTP nor between them, and leaves no process behind',
    { timeout: 240_000 },
    async () => {
      replicas = new Replicas({ ...config, options: { shutdown: { drainMs: DRAIN_MS } } });
      await replicas.start(3);
      const endLoad = replicas.load(12, () => `/work?ms=${Math.floor(Math.random() * 400)}`);
      const tookMs = await replicas.rollingRestart(signal);
      await endLoad();
      console.log(`${replicas.answered} answered; ended after ${tookMs.map(Math.round).join(', ')} ms`);
      expect(replicas.failures).toEqual([]);
      expect(replicas.answered).toBeGreaterThan(50);
      for (const ms of tookMs) expect(ms).toBeLessThan(DRAIN_MS);
      const ended = replicas.programs.slice(0, 3);
      expect(ended.map(({ isRunning }) => isRunning)).toEqual([false, false, false]);
      for (const { lines } of replicas.programs)
        expect(lines.filter((line) => /ERROR|WARN|waits no longer/.test(line))).toEqual([]);
    },
  );
});

describe('a replica whose work never ends', () => {
  it.each(['express', 'fastify'] as const)('ends all the same, on %s', async (http) => {
    const drainMs = 1_500;
    replicas = new Replicas({ http, options: { shutdown: { drainMs } } });
    await replicas.start(2);
    const hanging = fetched(replicas.url(0), '/hang');
    await replicas.program(0).line(/asked to hang|ready/);
    await fetched(replicas.url(0), '/work?ms=50');
    const toldAt = performance.now();
    replicas.program(0).signal('SIGTERM');
    const { status } = await hanging;
    await replicas.program(0).ended;
    expect(performance.now() - toldAt).toBeGreaterThan(drainMs - 100);
    // Who waited is told; the process does not wait any longer.
    expect(status).toBe(500);
    await replicas.program(0).line(/Shutdown waited 1500 ms \(shutdown.drainMs\) and waits no longer/);
  });
});
