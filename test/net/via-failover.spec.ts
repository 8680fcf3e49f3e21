import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FailoverOutcome } from '../support/providers/failover-child.js';
import { Namespace } from '../support/providers/via-namespaces.js';
import { has } from '../support/requirements.mjs';

const pathTo = (file: string) => fileURLToPath(new URL(`../support/${file}`, import.meta.url));
const isComplete = (['netns', 'dnsmasq', 'redis-server', 'postgres'] as const).every(has);

/** What is promised after a failover. */
const SOON_MS = 20_000;

describe.skipIf(!isComplete)(
  'a store whose name leads to another address, while the old one is silent',
  () => {
    let namespace: Namespace;
    beforeEach(() => {
      namespace = new Namespace({ resolvConf: 'nameserver 127.0.0.1\noptions timeout:1 attempts:2\n' });
    });
    afterEach(() => namespace.delete());

    it('is used there by every client, which warns once', async () => {
      const node = [process.execPath, pathTo('run-ts.mjs'), pathTo('providers/failover-child.ts')];
      const { stdout, stderr } = await promisify(execFile)('ip', ['netns', 'exec', namespace.name, ...node]);
      const outcomes = JSON.parse(stdout) as FailoverOutcome[];
      expect(outcomes).toHaveLength(6);
      for (const { kind, enteredMs, notifiedMs, log } of outcomes) {
        expect(enteredMs, kind).toBeLessThan(SOON_MS);
        expect(notifiedMs, kind).toBeLessThan(SOON_MS);
        expect(log, kind).toEqual([
          expect.stringMatching(/^failed: .*(dead|closed|is made anew)/),
          'recovered',
        ]);
      }
      expect(stderr).toBe('');
    });
  },
);
