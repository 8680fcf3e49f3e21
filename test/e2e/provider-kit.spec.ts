import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../../build/test/programs/provider-kit.js', import.meta.url));

function run(env: Record<string, string> = {}): { status: number | null; output: string } {
  const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', program], {
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
  });
  return { status, output: stdout };
}

describe('describeProvider under node:test', () => {
  it('passes a provider that keeps the contract', () => {
    const { status, output } = run();
    expect(output).toMatch(/^\s*ok \d+ - answers with the names of its source$/m);
    expect(output).not.toMatch(/^\s*not ok/m);
    expect(status).toBe(0);
  });

  it('fails one that does not', () => {
    const { status, output } = run({ BROKEN: '1' });
    expect(output).toMatch(/^\s*not ok \d+ - answers with the names of its source$/m);
    expect(status).not.toBe(0);
  });
});
