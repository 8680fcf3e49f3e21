import { faultsOf } from './invariants.js';
import { SimNode } from './sim-node.js';
import { Watch } from './watch.js';
import { World } from './world.js';

/** Polls, as the module's default interval does. */
const POLL_MS = 10_000;

/** So long the first answer of a poll may take in a calm history: shorter than a node looks for others. */
const MAX_ANSWER_MS = 2_500;

/** Long enough after the last fault for every deadline and backoff. */
const SETTLE_MS = 60_000;

export interface Outcome {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly timeline: readonly string[];
}

export interface ScenarioOptions {
  /** How many nodes; drawn from the seed (2 to 12) when left out. */
  readonly nodes?: number;
  /** Nothing breaks but processes: nodes come, shut down and are killed, in a network that is whole. @default false */
  readonly isCalm?: boolean;
  /** @default a node with nothing on its core */
  readonly make?: (world: World, host: string) => SimNode;
  /** What else is wrong in the end. */
  readonly faultsOf?: (world: World) => readonly string[];
}

/** A random cluster with a random history, drawn from `seed`; then quiet; then the invariants. */
export function runScenario(seed: number, options: ScenarioOptions = {}): Outcome {
  const world = new World(seed);
  const { random } = world;
  const { isCalm = false } = options;
  const count = options.nodes ?? 2 + Math.floor(random() * (isCalm ? 5 : 11));
  const make = options.make ?? ((...where) => new SimNode(...where));
  const nodes = Array.from({ length: count }, (_, i) => make(world, `10.0.${i >> 8}.${i & 255}`));
  for (const node of nodes) node.clock = { rate: 0.998 + 0.004 * random(), offsetMs: 1e6 * random() };
  world.conditions = {
    delayMs: random() < 0.5 ? 0.2 : 20 * random(),
    jitterMs: 20 * random() ** 3,
    loss: random() < 0.3 && !isCalm ? 0.1 * random() : 0,
    duplicates: random() < 0.3 ? 0.5 * random() : 0,
  };
  const discovery = isCalm ? everybody : pick(world, DISCOVERIES);
  const watch = new Watch(world, discovery === everybody);
  const begin = (node: SimNode) => {
    node.start();
    // Name servers may take their time.
    poll(world, node, () => discovery(nodes, node), isCalm ? MAX_ANSWER_MS * random() : 0);
  };
  for (const node of nodes) world.at(random() < 0.5 ? 5 * random() : 3_000 * random(), () => begin(node));
  const faultsEndMs = 5_000 + 60_000 * random();
  const faultCount = Math.floor(random() * 12) + (isCalm ? 3 : 0);
  for (let i = 0; i < faultCount; i++) {
    world.at(3_000 + random() * (faultsEndMs - 3_000), () =>
      pick(world, isCalm ? ENDS : FAULTS)(world, pick(world, nodes), begin),
    );
  }
  world.runUntil(faultsEndMs + 25_000);
  world.reaches = () => true;
  world.conditions = { ...world.conditions, loss: 0 };
  for (const node of nodes) node.thaw();
  world.runUntil(world.nowMs + SETTLE_MS);
  const faults = [...watch.faults, ...faultsOf(world), ...(options.faultsOf?.(world) ?? [])];
  return { seed, faults, timeline: world.timeline };
}

type Discovery = (nodes: readonly SimNode[], self: SimNode) => string[];

const everybody: Discovery = (nodes) => nodes.map(({ name }) => name);

const DISCOVERIES: readonly Discovery[] = [
  everybody,
  // A chain: each knows only the one before it.
  (nodes, self) =>
    nodes.slice(Math.max(0, nodes.indexOf(self) - 1), nodes.indexOf(self)).map(({ name }) => name),
  // Everybody knows the first one, by another app name.
  (nodes) => [nodes[0]!.name.replace('app@', 'alias@')],
];

type Fault = (world: World, node: SimNode, begin: (node: SimNode) => void) => void;

/** How processes end. */
const ENDS: readonly Fault[] = [
  // Killed, and restarted at the same address, at once or later.
  (world, node, begin) => {
    if (!node.isAlive) return;
    node.kill();
    world.after(world.random() < 0.5 ? 20 * world.random() : 10_000 * world.random(), () =>
      restart(node, begin),
    );
  },
  // Shut down: it drains for a while, says goodbye, and is started again.
  (world, node, begin) => {
    if (!node.isAlive || node.isFrozen || node.drainingAtMs !== undefined) return;
    const { incarnation } = node;
    node.drain();
    world.after(5_000 * world.random(), () => {
      if (node.incarnation !== incarnation) return;
      node.whenRunning(() => {
        node.leave();
        world.after(5_000 * world.random(), () => restart(node, begin));
      });
    });
  },
];

const FAULTS: readonly Fault[] = [
  ...ENDS,
  (world, node, begin) => {
    if (!node.isAlive) return;
    node.vanish();
    world.after(10_000 * world.random(), () => restart(node, begin));
  },
  (world, node) => {
    if (!node.isAlive || node.isFrozen) return;
    node.freeze();
    world.after(15_000 * world.random(), () => node.thaw());
  },
  (world, node) => {
    if (!node.isAlive || node.isFrozen) return;
    node.block();
    world.after(30_000 * world.random(), () => node.thaw());
  },
  // All its connections are reset; the process lives.
  (world, node) => {
    if (!node.isAlive) return;
    world.reset(node);
  },
  // A partition: two sides, or one direction of one host.
  (world, node) => {
    const isOneWay = world.random() < 0.3;
    const side = new Set(
      [...world.nodes.values()].filter(() => world.random() < 0.5).map(({ host }) => host),
    );
    world.note(isOneWay ? `${node.name} is not heard any more` : `cut: ${[...side].join(' ')}`);
    world.reaches = isOneWay ? (from) => from !== node.host : (from, to) => side.has(from) === side.has(to);
    world.after(20_000 * world.random(), () => {
      world.note('healed');
      world.reaches = () => true;
    });
  },
];

function restart(node: SimNode, begin: (node: SimNode) => void): void {
  if (!node.isAlive) begin(node);
}

function poll(world: World, node: SimNode, names: () => string[], firstInMs: number): void {
  const { incarnation } = node;
  const again = (): void => {
    if (node.incarnation !== incarnation || !node.isAlive) return;
    node.whenRunning(() => node.handle({ type: 'found', provider: 'sim', names: names(), as: 'answer' }));
    world.after(POLL_MS * (0.8 + 0.4 * world.random()), again);
  };
  if (firstInMs === 0) again();
  else world.after(firstInMs, again);
}

function pick<T>(world: World, list: readonly T[]): T {
  return list[Math.floor(world.random() * list.length)]!;
}
