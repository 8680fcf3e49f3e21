import type { TestProject } from 'vitest/node';
import { pack } from '../../package/support/tarball.js';
import { generate, generated } from './generated-app.js';
import type { Sets } from './sets.js';
import { installSets, notInstalled } from './sets.js';

declare module 'vitest' {
  export interface ProvidedContext {
    sets: Sets;
  }
}

/**
 * With this, the packages of apps are kept in that folder, so that only the first run takes minutes. Its path should
 * have a space in it, as paths do.
 */
const KEPT = process.env.APPS_FOLDER;

/** Packs the package, installs it and what apps are made of, and has `nest new` write an app of each kind. */
export default async function setup(project: TestProject): Promise<() => void> {
  const began = performance.now();
  const { remove, tarball, workshop } = pack();
  try {
    const sets = await installSets(KEPT ?? workshop, tarball);
    const seconds = ((performance.now() - began) / 1_000).toFixed(0);
    console.log(`test/apps: packed and installed in ${seconds} s`);
    generate(sets.nest11, 'cjs', false);
    generate(sets.nest12, 'cjs', true);
    generate(sets.nest12, 'esm', true);
    checkSets(sets);
    project.provide('sets', sets);
    project.provide('tarball', tarball);
    project.provide('workshop', workshop);
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

/** An app must not run on other packages than those that `nest new` asks for. */
function checkSets({ nest11, nest12 }: Sets): void {
  const lacking = [
    ...notInstalled(generated(nest11, 'cjs'), nest11),
    ...notInstalled(generated(nest12, 'cjs'), nest12),
    ...notInstalled(generated(nest12, 'esm'), nest12),
  ];
  if (lacking.length > 0) throw new Error(`test/apps/support/sets.ts has not: ${lacking.join(', ')}`);
}
