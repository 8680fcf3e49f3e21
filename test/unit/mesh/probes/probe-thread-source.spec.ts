import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { makeSource } from '../../../../scripts/inline-probe-thread.mjs';

it('the text of the probe thread is made of its sources as they are', async () => {
  const file = new URL('../../../../lib/mesh/probes/probe-thread.source.ts', import.meta.url);
  const text = readFileSync(file, 'utf8');
  expect(text, 'Run: npm run build:thread').toBe(await makeSource());
});
