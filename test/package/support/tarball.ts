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

export interface Packed {
  readonly tarball: string;
  readonly unpacked: string;
  readonly workshop: string;
  readonly remove: () => void;
}

/** Packs the package once for every test of this project. */
export default function setup(project: TestProject): () => void {
  const { remove, tarball, unpacked, workshop } = pack();
  project.provide('tarball', tarball);
  project.provide('unpacked', unpacked);
  project.provide('workshop', workshop);
  return remove;
}

export function pack(): Packed {
  const workshop = mkdtempSync(join(tmpdir(), 'peerage package '));
  const remove = () => rmSync(workshop, { recursive: true, force: true });
  try {
    // `npm test` has just built it.
    if (process.env.DIST_IS_FRESH !== '1') npm(['run', '--silent', 'build'], repository);
    npm(['pack', '--silent', '--ignore-scripts', '--pack-destination', workshop], repository);
    const file = readdirSync(workshop).find((name) => name.endsWith('.tgz')) ?? '';
    run('tar', ['-xzf', file], workshop);
    return { tarball: join(workshop, file), unpacked: join(workshop, 'package'), workshop, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
