import { afterEach, describe, expect, it } from 'vitest';
import type { Program } from '../support/processes/programs.js';
import { startProgram, stopPrograms } from '../support/processes/programs.js';

/** Processes of their own, which must end by themselves when their app is closed. */
describe('a process', () => {
  let programs: Program[] = [];
  afterEach(async () => {
    await stopPrograms(programs);
    programs = [];
  });

  function launch(options: Record<string, unknown>): Program {
    const config = { appName: 'app', bind: '127.0.0.1', port: 0, ...options };
    const program = startProgram('node', { args: [JSON.stringify(config)], env: { NO_COLOR: '1' } });
    programs.push(program);
    return program;
  }

  it.each(['hangs', 'rejects', 'serve-crashes'])(
    'ends after close() with a provider that %s',
    async (trouble) => {
      const program = launch({ via: [{ trouble, names: ['b@127.0.0.1:9'] }], intervalMs: 20 });
      await program.line(/"type":"started"/);
      await program.line(/"type":"poll"|provider\.failed/);
      program.write(JSON.stringify({ id: 1, run: 'close' }));
      await program.line(/"type":"closed"/);
      expect(await program.ended).toEqual({ code: 0, signal: null });
    },
  );

  it('ends at once when start-up fails', async () => {
    const program = launch({ waitFor: { peers: 1, timeoutMs: 100, reject: true } });
    await program.line(/WAIT_TIMEOUT|Waited 100 ms for 1 peer/);
    expect(await program.ended).not.toEqual({ code: 0, signal: null });
  });

  it.each(['onModuleInit', 'onApplicationBootstrap'])(
    'ends by itself when another provider kept the app from starting: by its %s',
    async (hook) => {
      const program = startProgram('failed-start', { args: [hook], env: { NO_COLOR: '1' } });
      programs.push(program);
      await program.line(/failed: no database/);
      expect(await program.ended).toEqual({ code: 3, signal: null });
    },
  );

  it('tells of all invalid options at once', async () => {
    const program = launch({ secret: 'short', limits: { dails: 1 } });
    await program.line(/secret: is 5 bytes long/);
    await program.line(/limits\.dails: there is no such option; did you mean "dials"\?/);
    await program.ended;
  });
});
