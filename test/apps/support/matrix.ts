import { join } from 'node:path';
import type { Builder, Modules } from './generated-app.js';
import type { ReplicaOptions } from './replicas.js';
import type { Sets } from './sets.js';

/** `APPS=some`, as in `.ci/run`: every value of every axis, and not their whole product. */
export const isWhole = process.env.APPS !== 'some';

export type NodeVersion = 20 | 22 | 24;
export type NodePair = readonly [NodeVersion, NodeVersion];

/** A build of an app, and the versions of Node.js of the two replicas that run it. */
export interface Cell {
  readonly modules: Modules;
  readonly builder: Builder;
  readonly platform: 'express' | 'fastify';
  readonly pairs: readonly NodePair[];
}

const PAIRS: readonly [NodePair, NodePair, NodePair] = [
  [20, 22],
  [24, 20],
  [22, 24],
];

const [FIRST, SECOND, THIRD] = PAIRS;

/** The builders of `nest build`. That of webpack writes CommonJS only. */
const SOME: Readonly<Record<11 | 12, readonly Cell[]>> = {
  11: [
    { modules: 'cjs', builder: 'swc', platform: 'fastify', pairs: [SECOND] },
    { modules: 'cjs', builder: 'webpack', platform: 'express', pairs: [THIRD] },
  ],
  12: [
    { modules: 'esm', builder: 'tsc', platform: 'fastify', pairs: [SECOND] },
    { modules: 'esm', builder: 'rspack', platform: 'express', pairs: [FIRST] },
  ],
};

const SHAPES: Readonly<Record<11 | 12, readonly (readonly [Modules, Builder])[]>> = {
  11: [
    ['cjs', 'tsc'],
    ['cjs', 'swc'],
    ['cjs', 'webpack'],
  ],
  12: [
    ['cjs', 'tsc'],
    ['cjs', 'swc'],
    ['cjs', 'webpack'],
    ['cjs', 'rspack'],
    ['esm', 'tsc'],
    ['esm', 'swc'],
    ['esm', 'rspack'],
  ],
};

export function cellsOf(nest: 11 | 12): readonly Cell[] {
  if (!isWhole) return SOME[nest];
  return SHAPES[nest].flatMap(([modules, builder]) =>
    (['express', 'fastify'] as const).map((platform) => ({ modules, builder, platform, pairs: PAIRS })),
  );
}

/** What runs on these versions of Node.js: the one that runs the tests stands for 20. */
export function replicasOn({ tools }: Sets, [first, second]: NodePair): [ReplicaOptions, ReplicaOptions] {
  return [{ node: nodeOf(tools, first) }, { node: nodeOf(tools, second) }];
}

export function nodeOf(tools: string, version: NodeVersion): string {
  return version === 20 ? process.execPath : join(tools, 'node_modules', `node-${version}`, 'bin', 'node');
}
