import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/processes/cluster.js';
import { Lab } from '../../support/net/net-lab.js';
import type { Contestant, System } from './rival.js';

const HOSTS = 3;
const START_MS = 60_000;

/** The host whose nodes are harmed; the nodes of the others watch. */
export const VICTIM = 0;

/** The same three hosts for all systems: each has one node of every system, so a cut is the same for all. */
export class Arena {
  /** By system, then by number of the host. */
  private readonly teams = new Map<System, Contestant[]>();

  private constructor(
    readonly lab: Lab,
    readonly systems: readonly System[],
  ) {}

  static async open(systems: readonly System[]): Promise<Arena> {
    const arena = new Arena(await Lab.open(HOSTS), systems);
    for (const system of systems) {
      const team = arena.lab.hosts.map((_, i) => system.start(arena.lab.hosts, i));
      arena.teams.set(system, team);
    }
    await arena.whole();
    return arena;
  }

  async close(): Promise<void> {
    for (const system of this.systems) await system.stop();
    await this.lab.close();
  }

  victims(): Map<System, Contestant> {
    return new Map(this.systems.map((system) => [system, this.teams.get(system)![VICTIM]!]));
  }

  observers(system: System): Contestant[] {
    return this.teams.get(system)!.filter((_, i) => i !== VICTIM);
  }

  /** Starts new nodes on the victim's host, in the place of those that were killed. */
  async replaceVictims(): Promise<void> {
    for (const system of this.systems) this.teams.get(system)![VICTIM] = system.start(this.lab.hosts, VICTIM);
    await this.whole();
  }

  /** Waits until every node of each system says that every other one is up. */
  async whole(): Promise<void> {
    for (const system of this.systems) {
      const team = this.teams.get(system)!;
      const missing = () =>
        team.flatMap((node, i) =>
          team.flatMap((_, of) => (of === i || isUp(node, of) ? [] : [`${i}-${of}`])),
        );
      await until(
        () => missing().length === 0,
        () =>
          `${system.name} is no mesh, missing ${missing().join()}; ${team.map((node) => node.lastWords).join('\n')}`,
        START_MS,
      );
    }
    await sleep(3_000);
  }

  /** How many downs about anyone each system has said since `fromMs`. */
  downsSince(system: System, fromMs: number): number {
    const words = this.teams.get(system)!.flatMap((node) => node.words);
    return words.filter(({ type, atMs }) => type === 'down' && atMs >= fromMs).length;
  }
}

function isUp({ words }: Contestant, of: number): boolean {
  return words.findLast((word) => word.of === of)?.type === 'up';
}
