import { afterEach, describe, expect, it } from 'vitest';
import { freePorts, SECRET } from '../support/processes/cluster.js';
import { type Program, startProgram } from '../support/processes/programs.js';

let program: Program | undefined;
afterEach(() => program?.stop());

describe("a caller's AsyncLocalStorage store", () => {
  it('is seen by no handler, listener or provider, and is held no longer than its own calls', async () => {
    const ports = await freePorts(2);
    program = startProgram('contexts', {
      nodeArgs: ['--expose-gc'],
      args: [SECRET, ...ports.map(String)],
    });
    const [line] = await program.line(/^\{"seen".*$/, { timeoutMs: 50_000 });
    expect(JSON.parse(line)).toEqual({ seen: [], isHeld: false });
  });
});
