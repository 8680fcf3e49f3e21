import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeConfig, ViaConfig } from '../../programs/node-config.js';
import { freePorts, nameOn, onLoopback } from '../processes/cluster.js';
import { ConfigMapFile } from '../providers/config-map.js';
import type { Dnsmasq } from '../providers/dnsmasq.js';
import { startDnsmasq } from '../providers/dnsmasq.js';
import { FakeKubeApi, slice } from '../providers/kube-api.js';
import { PostgresServer } from '../providers/postgres-server.js';
import { RedisServer } from '../providers/redis-server.js';

/** Where the nodes of a cluster find each other, in the hands of a test. */
export interface Source {
  /** One more node: what it is started with. Where nodes do not enter themselves, it is entered here. */
  node(): Promise<NodeConfig>;
  /** Works again. */
  start(): Promise<void>;
  /** Is gone, until `start`. */
  kill(): Promise<void>;
  /** Takes questions and answers none, until `start`. */
  freeze?(): void;
  /** The end. */
  stop(): Promise<void>;
}

/** Entries last so long, so that they expire while a server is away. */
export const TTL_MS = 3_000;

/** Nodes enter themselves in a store: any of them may have any port. */
export function storeSource(server: Omit<Source, 'node'>, via: ViaConfig): Source {
  const node = async () => {
    const [port = 0] = await freePorts(1);
    return onLoopback(port, { via: [via] });
  };
  return {
    node,
    start: () => server.start(),
    kill: () => server.kill(),
    freeze: () => server.freeze?.(),
    stop: () => server.stop(),
  };
}

export async function redisSource(): Promise<Source> {
  const server = await RedisServer.start();
  return storeSource(server, { redis: { url: server.url, ttlMs: TTL_MS } });
}

export async function postgresSource(): Promise<Source> {
  const server = await PostgresServer.start();
  return storeSource(server, { postgres: { url: server.url, ttlMs: TTL_MS } });
}

/** Nodes that have one port and an address each, as pods have. */
class Hosts {
  readonly addresses: string[] = [];

  private constructor(private readonly port: number) {}

  static async make(): Promise<Hosts> {
    const [port = 0] = await freePorts(1);
    return new Hosts(port);
  }

  next(via: ViaConfig): NodeConfig {
    const address = `127.0.0.${this.addresses.length + 2}`;
    this.addresses.push(address);
    return onLoopback(this.port, { bind: address, host: address, via: [via] });
  }
}

/** A dnsmasq with an address record for each node. */
export async function dnsSource(): Promise<Source> {
  const hosts = await Hosts.make();
  const [port = 0] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), 'peerage-hosts-'));
  const lines = ['local=/test/', `hostsdir=${folder}`];
  let server: Dnsmasq | undefined = await startDnsmasq(lines, { port });
  const via = { dns: { dnsName: 'nodes.test', nameservers: [server.address] } };
  const kill = async () => {
    await server?.stop();
    server = undefined;
  };
  return {
    node: async () => {
      const config = hosts.next(via);
      // It watches the folder for new files.
      writeFileSync(join(folder, `${hosts.addresses.length}`), `${config.bind} nodes.test\n`);
      return config;
    },
    start: async () => {
      server?.thaw();
      server ??= await startDnsmasq(lines, { port });
    },
    kill,
    freeze: () => server?.freeze(),
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The API server, with the nodes as pods behind a service. */
export async function kubernetesSource(): Promise<Source> {
  const hosts = await Hosts.make();
  const api = await FakeKubeApi.start();
  const via = { kubernetes: { server: api.url, service: 'web', accountFolder: api.accountFolder } };
  return {
    node: async () => {
      const config = hosts.next(via);
      api.put('endpointslices', slice('web-1', hosts.addresses));
      return config;
    },
    start: () => api.listen(),
    kill: () => api.down(),
    freeze: () => api.hang(),
    stop: () => api.stop(),
  };
}

interface NamesFile {
  readonly path: string;
  write(text: string): void;
  remove(): void;
}

/** A file that names the nodes. It is taken away and written again. */
function fileSource(make: (folder: string) => NamesFile): Source {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-file-'));
  const file = make(folder);
  const names: string[] = [];
  let isThere = true;
  const write = () => file.write(names.map((name) => `${name}\n`).join(''));
  write();
  return {
    node: async () => {
      const [port = 0] = await freePorts(1);
      names.push(nameOn(port));
      if (isThere) write();
      return onLoopback(port, { via: [{ file: file.path }] });
    },
    start: async () => {
      if (!isThere) write();
      isThere = true;
    },
    kill: async () => {
      if (isThere) file.remove();
      isThere = false;
    },
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A file that is replaced, in a folder of its own, which is removed with it. */
export async function plainFileSource(): Promise<Source> {
  return fileSource((parent) => {
    const folder = join(parent, 'inner');
    const path = join(folder, 'peers.txt');
    return {
      path,
      write: (text) => {
        mkdirSync(folder, { recursive: true });
        writeFileSync(`${path}.new`, text);
        renameSync(`${path}.new`, path);
      },
      remove: () => rmSync(folder, { recursive: true }),
    };
  });
}

export async function configMapSource(): Promise<Source> {
  return fileSource((folder) => new ConfigMapFile(folder));
}
