import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { npm, repository, run } from './commands.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The packed package: a file. */
    tarball: string;
    /** What is in it: a folder. */
    unpacked: string;
    /** Where tests may make apps. The path has a space in it, as paths do. */
    workshop: string;
  }
}

/** Packs the package once for every test of this project. */
export default function setup(project: TestProject): () => void {
  const workshop = mkdtempSync(join(tmpdir(), 'peerage package '));
  const remove = () => rmSync(workshop, { recursive: true, force: true });
  try {
    // `npm test` has just built it.
    if (process.env.DIST_IS_FRESH !== '1') npm(['run', '--silent', 'build'], repository);
    npm(['pack', '--silent', '--ignore-scripts', '--pack-destination', workshop], repository);
    const file = readdirSync(workshop).find((name) => name.endsWith('.tgz')) ?? '';
    run('tar', ['-xzf', file], workshop);
    project.provide('workshop', workshop);
    project.provide('tarball', join(workshop, file));
    project.provide('unpacked', join(workshop, 'package'));
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}
