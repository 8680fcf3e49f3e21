import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ViaConfig } from '../../programs/node-config.js';
import { freePorts, nameOn, onLoopback } from '../../support/processes/cluster.js';
import { type Requirement, has } from '../../support/requirements.mjs';
import type { Source } from '../../support/pages/sources.js';
import {
  configMapSource,
  dnsSource,
  kubernetesSource,
  postgresSource,
  redisSource,
} from '../../support/pages/sources.js';
import { freeUdpPort } from '../../support/providers/udp.js';

/** A source for two nodes. */
export interface Pair extends Pick<Source, 'node' | 'stop'> {
  /** Called when the second node listens. */
  readonly onSecond?: () => Promise<void>;
}

export interface Contender {
  readonly title: string;
  readonly needs?: Requirement;
  readonly open: () => Promise<Pair>;
}

const GROUP = '239.255.77.3';

export const CONTENDERS: Readonly<Record<string, Contender>> = {
  list: { title: '`viaList`', open: listed },
  dns: { title: '`viaDns`, a name server, dnsmasq', needs: 'dnsmasq', open: dnsSource },
  udp: { title: '`viaUdp`', open: announced },
  local: { title: '`viaLocal`', open: () => inFolder((dir) => ({ local: { dir } })) },
  file: { title: '`viaFile`, written when the second node listens', open: written },
  redis: { title: '`viaRedis`', needs: 'redis-server', open: redisSource },
  postgres: { title: '`viaPostgres`', needs: 'postgres', open: postgresSource },
  kubernetes: {
    title: "`viaKubernetes`, the tests' API server",
    needs: 'openssl',
    open: kubernetesSource,
  },
  custom: {
    title: 'one of your own with `found()`: the notice board of `sample/05`',
    open: () => inFolder((board) => ({ board })),
  },
};

/** What this machine can measure, of those that are asked for. */
export function contenders(only: readonly string[] | undefined): { here: Contender[]; lacking: Contender[] } {
  const unknown = (only ?? []).filter((key) => !Object.hasOwn(CONTENDERS, key));
  if (unknown.length > 0)
    throw new Error(`There is no ${unknown.join(', ')}; there are ${Object.keys(CONTENDERS).join(', ')}.`);
  const asked = Object.entries(CONTENDERS).filter(([key]) => only?.includes(key) ?? true);
  const isHere = ({ needs }: Contender) => needs === undefined || has(needs);
  const all = asked.map(([, contender]) => contender);
  return { here: all.filter(isHere), lacking: all.filter((one) => !isHere(one)) };
}

async function listed(): Promise<Pair> {
  const ports = await freePorts(2);
  const via = [{ list: ports.map((port) => nameOn(port)) }];
  const left = [...ports];
  return { node: async () => onLoopback(left.shift()!, { via }), stop: async () => {} };
}

async function announced(): Promise<Pair> {
  const udp = { port: await freeUdpPort(), multicastAddr: GROUP, ip: '127.0.0.1' };
  return { node: () => anyPort({ udp }), stop: async () => {} };
}

async function inFolder(via: (folder: string) => ViaConfig): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-bench-'));
  return {
    node: () => anyPort(via(join(folder, 'nodes'))),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function written(): Promise<Pair> {
  const source = await configMapSource();
  await source.kill();
  return { node: () => source.node(), stop: () => source.stop(), onSecond: () => source.start() };
}

async function anyPort(via: ViaConfig): Promise<ReturnType<typeof onLoopback>> {
  const [port = 0] = await freePorts(1);
  return onLoopback(port, { via: [via] });
}
