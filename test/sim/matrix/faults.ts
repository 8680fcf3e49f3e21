import type { SimNode } from '../sim-node.js';
import type { Ground, Loss } from './ground.js';

/** Something that is done to a cluster. It may take a while; detection counts from its end. */
export interface Fault {
  readonly name: string;
  /** Does it. Returns who should be missed by whom, and how to mend it. */
  readonly apply: (ground: Ground) => Done;
}

export interface Done {
  readonly losses: readonly Loss[];
  readonly mend: () => void;
}

/** The fault that cuts one pair only: both reach all others, and in a large cluster perhaps neither watches the other. */
export const PAIR_CUT = 'pair cut';

export const FAULTS: readonly Fault[] = [
  {
    name: 'power loss',
    apply: (ground) => {
      const [victim] = ground.pick(1);
      return loss(ground, victim!);
    },
  },
  {
    name: 'SIGSTOP',
    apply: (ground) => {
      const [victim] = ground.pick(1);
      ground.spared.add(victim!);
      const losses = ground.losses(others(ground, victim!), [victim!]);
      ground.stop(victim!);
      return { losses, mend: () => ground.goOn(victim!) };
    },
  },
  {
    name: 'both halves cut',
    apply: (ground) => {
      const { nodes } = ground.cluster;
      const left = [ground.odd, ...ground.pick(Math.ceil(nodes.length / 2) - 1)];
      const right = nodes.filter((node) => !left.includes(node));
      const side = new Set(left.map(({ host }) => host));
      const losses = [...ground.losses(left, right), ...ground.losses(right, left)];
      return { losses, mend: ground.cut((from, to) => side.has(from) !== side.has(to)) };
    },
  },
  {
    name: PAIR_CUT,
    apply: (ground) => {
      const a = ground.odd;
      const [b] = ground.pick(1);
      ground.spared.add(b!);
      const pair = new Set([a.host, b!.host]);
      const losses = [...ground.losses([a], [b!]), ...ground.losses([b!], [a])];
      return { losses, mend: ground.cut((from, to) => from !== to && pair.has(from) && pair.has(to)) };
    },
  },
  {
    name: 'one-way cut',
    apply: (ground) => {
      const [mute] = ground.pick(1);
      ground.spared.add(mute!);
      const rest = others(ground, mute!);
      const losses = [...ground.losses(rest, [mute!]), ...ground.losses([mute!], rest)];
      return { losses, mend: ground.cut((from) => from === mute!.host) };
    },
  },
  {
    // It comes up behind a door that is closed: it can dial, and not be dialled. Its connections are reset again
    // and again, and nobody may be told; then it is gone.
    name: 'one-way dialable',
    apply: (ground) => {
      const [hidden] = ground.pick(1);
      ground.spared.add(hidden!);
      const answer = ground.world.random() < 0.5 ? 'refused' : 'silent';
      ground.world.door = (_, to) => (to === hidden!.host ? answer : 'open');
      ground.leave(hidden!);
      ground.run(2_500);
      ground.cluster.begin(hidden!);
      ground.untilWhole(10_000);
      for (let round = 0; round < 3; round++) {
        ground.world.reset(hidden!);
        ground.run(3_000);
      }
      const { losses, mend } = loss(ground, hidden!);
      ground.world.door = () => 'open';
      return { losses, mend };
    },
  },
];

function loss(ground: Ground, victim: SimNode): Done {
  ground.spared.add(victim);
  const losses = ground.losses(others(ground, victim), [victim]);
  ground.vanish(victim);
  return { losses, mend: () => ground.cluster.begin(victim) };
}

function others(ground: Ground, victim: SimNode): SimNode[] {
  return ground.cluster.nodes.filter((node) => node !== victim);
}
