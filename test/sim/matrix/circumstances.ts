import type { SimNode } from '../sim-node.js';
import type { Ground } from './ground.js';

/** What else is the matter while something happens. */
export interface Circumstance {
  readonly name: string;
  /** What is wrong with the network before the first node starts. */
  readonly before?: (ground: Ground) => void;
  /** What goes on from the moment the cluster is whole. */
  readonly begin?: (ground: Ground) => void;
  /** What was the matter just before each fault. */
  readonly prepare?: (ground: Ground) => void;
}

const STALL_MS = 1_000;
const STALL_EVERY_MS = 5_000;

/** In a rolling restart the next node goes this long after the last one. */
const ROLL_MS = 4_000;

export const CIRCUMSTANCES: readonly Circumstance[] = [
  { name: 'calm' },
  { name: 'one node stalls 1 s in 5', begin: (ground) => stallAgainAndAgain(ground, ground.odd) },
  {
    name: 'all stall 1 s in 5',
    begin: (ground) => {
      for (const node of ground.cluster.nodes) stallAgainAndAgain(ground, node);
    },
  },
  {
    name: 'an observer was blocked for 8 s',
    prepare: (ground) => {
      ground.odd.block();
      ground.run(8_000);
      ground.odd.thaw();
      ground.run(1_000 * ground.world.random());
    },
  },
  { name: 'an observer was stopped for 8 s', prepare: (ground) => stopped(ground, [ground.odd], 8_000) },
  { name: 'an observer was stopped for 60 s', prepare: (ground) => stopped(ground, [ground.odd], 60_000) },
  { name: '20 % loss', begin: (ground) => lose(ground, 0.2) },
  { name: '30 % loss', begin: (ground) => lose(ground, 0.3) },
  {
    name: '20 % loss, one stalls',
    begin: (ground) => {
      lose(ground, 0.2);
      stallAgainAndAgain(ground, ground.odd);
    },
  },
  {
    name: 'latency of 100 to 400 ms',
    begin: ({ world }) => {
      world.conditions = { ...world.conditions, delayMs: 100, jitterMs: 300 };
    },
  },
  {
    name: 'one node half connected',
    before: (ground) => {
      const [odd, ...rest] = ground.cluster.nodes;
      const strangers = new Set(rest.filter((_, i) => i % 2 === 1).map(({ host }) => host));
      const { host } = odd!;
      ground.never(
        (from, to) => (from === host && strangers.has(to)) || (to === host && strangers.has(from)),
      );
    },
  },
  {
    name: 'a rolling restart',
    begin: (ground) => {
      let at = 0;
      const roll = (): void => {
        const node = ground.cluster.nodes[at++ % ground.cluster.nodes.length]!;
        if (node === ground.odd || ground.spared.has(node) || !node.isAlive)
          return ground.world.after(1, roll);
        ground.leave(node);
        ground.world.after(300, () => ground.cluster.begin(node));
        ground.world.after(ROLL_MS, roll);
      };
      ground.world.after(ROLL_MS * ground.world.random(), roll);
    },
  },
  {
    name: 'the whole cluster was paused for 60 s',
    prepare: (ground) => stopped(ground, ground.cluster.nodes, 60_000),
  },
];

function stallAgainAndAgain({ world }: Ground, node: SimNode): void {
  const stall = (): void => {
    world.after(STALL_EVERY_MS, stall);
    if (!node.isAlive || node.isFrozen) return;
    node.block();
    const { blockedAtMs } = node;
    world.after(STALL_MS, () => node.blockedAtMs === blockedAtMs && node.thaw());
  };
  world.after(STALL_EVERY_MS * world.random(), stall);
}

/** They stand still together, and go on at nearly the same moment. */
function stopped(ground: Ground, nodes: readonly SimNode[], forMs: number): void {
  for (const node of nodes) ground.stop(node);
  ground.run(forMs);
  for (const node of nodes) ground.world.after(50 * ground.world.random(), () => ground.goOn(node));
  ground.run(50 + 1_000 * ground.world.random());
}

function lose({ world }: Ground, loss: number): void {
  world.conditions = { ...world.conditions, loss };
}
