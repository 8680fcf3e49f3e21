// Not the global one: test runners replace that when they fake time.
import { setTimeout } from 'node:timers';
import { Logger } from '@nestjs/common';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { MemoryNetwork } from '../network/memory-network.js';
import { createMemoryTransport } from '../network/memory-transport.js';
import { PeerMesh } from '../../mesh/peer-mesh.js';
import { DEFAULT_PORT, formatHostPort, formatNodeName, parseNodeName } from '../../naming/node-name.js';
import { resolveSettings } from '../../settings/settings.js';
import {
  LOG_CONTEXT,
  PEERAGE_CLOCK,
  PEERAGE_MESH,
  PEERAGE_OPTIONS,
  PEERAGE_RANDOM,
  PEERAGE_SETTINGS,
} from '../../peerage.constants.js';
import type { PeerageModuleOptions, PeerageSettings } from '../../peerage.options.js';
import { ClusterClock } from './cluster-clock.js';
import { MemoryProbes } from '../network/memory-probes.js';

/** What the network in memory stands for, and the schedule of the first poll. */
const REPLACED = new Set<string>([
  'via',
  'name',
  'host',
  'bind',
  'port',
  'secret',
  'tls',
  'insecure',
  'waitFor',
  'syncOffsetMs',
] satisfies (keyof PeerageModuleOptions)[]);

const SECRET = 'of the cluster under test';

/** While an app does something of its own, so much time passes in every real millisecond. */
const DRIVEN_MS = 10;

/** What the nodes of a cluster under test stand on: one network, one time. */
export class TestEnvironment {
  readonly clock = new ClusterClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly probes = new MemoryProbes(this.network);
  private readonly meshes = new Map<string, PeerMesh>();
  private hosts = 0;

  /** Puts the node that this builder makes on the ground, and returns its address. */
  prepare(builder: TestingModuleBuilder): string {
    const host = hostOf(++this.hosts);
    const address = formatHostPort(host, DEFAULT_PORT);
    builder
      .overrideProvider(PEERAGE_CLOCK)
      .useValue(this.clock)
      .overrideProvider(PEERAGE_SETTINGS)
      .useFactory({
        factory: (options: PeerageModuleOptions) => this.settings(options, host),
        inject: [PEERAGE_OPTIONS],
      })
      .overrideProvider(PEERAGE_MESH)
      .useFactory({
        factory: (settings: PeerageSettings, random: () => number) => {
          const mesh = this.mesh(settings, random, address);
          this.meshes.set(address, mesh);
          return mesh;
        },
        inject: [PEERAGE_SETTINGS, PEERAGE_RANDOM],
      });
    return address;
  }

  /** Whether the module of the node at this address has a mesh. */
  has(address: string): boolean {
    return this.meshes.has(address);
  }

  /** Waits for an app, which may wait for something real as well as for time to pass here. */
  async drive<T>(work: Promise<T>): Promise<T> {
    const state = { isOver: false };
    const end = (): void => void (state.isOver = true);
    work.then(end, end);
    await this.clock.settle();
    while (!state.isOver) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await this.clock.move(DRIVEN_MS);
    }
    return work;
  }

  private settings(options: PeerageModuleOptions, host: string): PeerageSettings {
    if (options == null) return resolveSettings(options);
    const kept = Object.entries(options).filter(([key]) => !REPLACED.has(key));
    const settings = resolveSettings({
      ...(Object.fromEntries(kept) as PeerageModuleOptions),
      ...(options.name === undefined ? {} : { name: nameAt(host, options.name) }),
      host,
      port: DEFAULT_PORT,
      secret: SECRET,
      statusSocket: false,
      via: { name: 'test cluster', poll: () => this.listening() },
    });
    // Apps that a test puts together are together on purpose.
    return { ...settings, clusterIsDerived: false };
  }

  private mesh(settings: PeerageSettings, random: () => number, address: string): PeerMesh {
    const { host, port, cluster, limits } = settings;
    const portIsFixed = true;
    const options = { host, port, portIsFixed, secret: SECRET, cluster, limits };
    return new PeerMesh(settings, {
      transport: createMemoryTransport(this.network, options),
      clock: this.clock,
      random,
      warn: (message) => new Logger(LOG_CONTEXT).warn(message),
      startProber: (prober) => this.probes.at(address, prober),
      defer: (callback) => void this.clock.after(0, callback),
    });
  }

  private listening(): string[] {
    const here = [...this.meshes].filter(([address]) => this.network.listenerAt(address) !== undefined);
    return here.map(([, mesh]) => mesh.self.name);
  }
}

/** Every node has a host of its own, as pods have. */
function hostOf(number: number): string {
  return `10.0.${number >> 8}.${number & 255}`;
}

function nameAt(host: string, name: string): string {
  return formatNodeName({ app: parseNodeName(name).app, host, port: DEFAULT_PORT });
}
