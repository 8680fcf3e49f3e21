import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SECRET } from '../processes/cluster.js';
import { cardOfItsOwn, type PlatformNetwork, type PlatformPlan } from './platform-network.js';
import { forRootAfter, platformRow, yamlAfter } from './platform-table.js';
import type { Yaml } from '../apps/sample-yaml.js';
import { addAddress, Namespace } from '../providers/via-namespaces.js';

/** One node: where it runs, what it is told there, and the address that its peers must have of it. */
export interface PlatformNode {
  /** @default the host with its number */
  readonly host?: Namespace;
  /** @default what the platform says */
  readonly argument?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** @default the address of its host */
  readonly told?: string;
}

/** Three nodes on a platform, with the lines of the documentation. */
export interface Platform {
  /** The first cell of its row. */
  readonly platform: string;
  readonly plan: PlatformPlan;
  /** The argument of `forRoot()`; empty where the environment says everything. */
  readonly argument: string;
  readonly nodes?: (network: PlatformNetwork) => readonly PlatformNode[];
  /** Ends what `nodes` began. */
  readonly end?: () => void;
}

const hosts = (names: string, ...addresses: readonly string[]) =>
  addresses.map((address) => `host-record=${names},${address}`);

const bare = (addresses: readonly string[]) => addresses.map((address) => address.split('/')[0]!);

/** The code of a row, among the options that every node has. */
function withRow(platform: string): string {
  const { code } = platformRow(platform);
  return `{ via: ${code[0]}, secret }`;
}

function onAll(env: (i: number) => Record<string, string>): (network: PlatformNetwork) => PlatformNode[] {
  return ({ hosts: all }) => all.map((_, i) => ({ env: env(i) }));
}

/** No network at all. */
const laptop: Platform = {
  platform: 'one machine, development',
  plan: { addresses: ['192.168.1.10/24'] },
  argument: `{ via: ${platformRow('one machine, development').code[0]} }`,
  nodes: ({ hosts: [host] }) => {
    host!.ip('link', 'set', 'eth0', 'down');
    return [0, 1, 2].map(() => ({ host: host!, told: '127.0.0.1' }));
  },
};

const pm2Addresses = ['10.0.0.41/24', '10.0.0.42/24'];

/** Two processes on one host and one on another. */
const pm2: Platform = {
  platform: 'PM2, `node:cluster`',
  plan: {
    addresses: pm2Addresses,
    gateways: ['10.0.0.1/24'],
    resolvConf: 'nameserver 10.0.0.2\n',
    dns: { at: '10.0.0.2', lines: hosts('myapp', ...bare(pm2Addresses)) },
  },
  argument: withRow('PM2, `node:cluster`'),
  nodes: ({ hosts: [first, second] }) => [{ host: first! }, { host: first! }, { host: second! }],
};

const composeAddresses = ['172.18.0.2/16', '172.18.0.3/16', '172.18.0.4/16'];

const compose: Platform = {
  platform: 'Docker Compose',
  plan: {
    addresses: composeAddresses,
    gateways: ['172.18.0.1/16'],
    resolvConf: 'nameserver 127.0.0.11\noptions ndots:0\n',
    dns: {
      isLocal: true,
      at: '127.0.0.11',
      lines: ['local-ttl=600', ...hosts('app', ...bare(composeAddresses))],
    },
  },
  argument: '',
  nodes: onAll(() => {
    const [{ services }] = yamlAfter('Docker Compose') as [{ services: { app: { environment: Yaml } } }];
    return expanded(services.app.environment as Record<string, string>);
  }),
};

const swarmAddresses = ['10.0.1.3/24', '10.0.1.4/24', '10.0.1.5/24'];

/** The bridge of each host comes first, on which the first task of every host has the same address. */
const swarm: Platform = {
  platform: 'Docker Swarm',
  plan: {
    addresses: swarmAddresses,
    resolvConf: 'nameserver 127.0.0.11\noptions ndots:0\n',
    dns: {
      isLocal: true,
      at: '127.0.0.11',
      lines: [...hosts('tasks.web', ...bare(swarmAddresses)), 'host-record=web,10.0.1.2'],
    },
    before: (host) => cardOfItsOwn(host, 'gwbridge', '172.18.0.3/16'),
  },
  argument: withRow('Docker Swarm'),
};

const podAddresses = ['10.244.1.5/24', '10.244.2.7/24', '10.244.3.9/24'];
const pods = podAddresses.map((address) => {
  const [ip = ''] = address.split('/');
  return { ip, target: `${ip.replaceAll('.', '-')}.myapp-peers.default.svc.cluster.local` };
});

/** Pods of three machines, each with a network of its own, and CoreDNS behind the address of a Service. */
const kubernetesPlan: PlatformPlan = {
  addresses: podAddresses,
  gateways: podAddresses.map((address) => address.replace(/\d+\/24$/, '1/24')),
  resolvConf:
    'search default.svc.cluster.local svc.cluster.local cluster.local ec2.internal\n' +
    'nameserver 10.96.0.10\noptions ndots:5\n',
  dns: {
    at: '10.96.0.10',
    lines: [
      'local-ttl=5',
      'local=/cluster.local/',
      'local=/ec2.internal/',
      ...hosts('myapp-peers.default.svc.cluster.local', ...pods.map(({ ip }) => ip)),
      ...pods.map(({ ip, target }) => `host-record=${target},${ip}`),
      ...pods.map(({ target }) => `srv-host=_mesh._tcp.myapp-peers.default.svc.cluster.local,${target},4370`),
    ],
  },
};

const kubernetes: Platform = {
  platform: 'Kubernetes',
  plan: kubernetesPlan,
  argument: '',
  nodes: onAll((i) => podEnvironment(pods[i]!.ip)),
};

const kubernetesPort: Platform = {
  platform: 'Kubernetes, named port',
  plan: kubernetesPlan,
  argument: withRow('Kubernetes, named port'),
};

const flyAddresses = ['fdaa:0:18:a7b:1::2/112', 'fdaa:0:18:a7b:2::2/112', 'fdaa:0:18:a7b:3::2/112'];

/** Only IPv6 leads from one machine to another, and names have no other addresses. */
const fly: Platform = {
  platform: 'Fly.io',
  plan: {
    addresses: flyAddresses,
    gateways: flyAddresses.map((address) => address.replace('::2/', '::1/')),
    resolvConf: 'nameserver fdaa::3\n',
    dns: { at: 'fdaa::3', lines: ['local=/internal/', ...hosts('web.internal', ...bare(flyAddresses))] },
    before: (host) => cardOfItsOwn(host, 'aaa0', '172.19.0.2/29'),
  },
  argument: `{ via: ${platformRow('Fly.io').code[0]}, ${platformRow('Fly.io').code[1]}, secret }`,
  nodes: onAll((i) => {
    const platformEnv: Record<string, string> = { FLY_PRIVATE_IP: bare(flyAddresses)[i]! };
    const [, ours = '', theirs = ''] = /`(PEERAGE_\w+)` from `(\w+)`/.exec(platformRow('Fly.io').text) ?? [];
    return { [ours]: platformEnv[theirs]! };
  }),
};

const ecsAddresses = ['10.0.1.10/24', '10.0.2.11/24', '10.0.2.12/24'];

/** Tasks of two subnets. The first card is the one for credentials, with the same link-local address everywhere. */
function ecs(platform: string, records: readonly string[]): Platform {
  return {
    platform,
    plan: {
      addresses: ecsAddresses,
      gateways: ['10.0.1.1/24', '10.0.2.1/24', '10.0.2.1/24'],
      resolvConf: 'search eu-west-1.compute.internal\nnameserver 10.0.0.2\n',
      dns: { at: '10.0.0.2', lines: ['local-ttl=10', 'local=/internal/', 'local=/local/', ...records] },
      before: (host) => cardOfItsOwn(host, 'ecs-eth0', '169.254.172.2/22'),
    },
    argument: withRow(platform),
  };
}

/** The name of the service has no address; each of its records leads to a name of one task. */
const ecsTasks = bare(ecsAddresses).flatMap((ip, i) => {
  const target = `${String(i).repeat(8)}c0ffee00c0ffee00c0ffee00.web.myapp.local`;
  return [`host-record=${target},${ip}`, `srv-host=web.myapp.local,${target},4370,1,1`];
});

const consulAddresses = ['10.0.0.21/24', '10.0.0.22/24', '10.0.0.23/24'];
const gone = Array.from({ length: 20 }, (_, i) => `10.0.0.${101 + i}/24`);

/** An agent on every host. Twenty instances are gone, and still in the answer, which fits into no datagram. */
const consul: Platform = {
  platform: 'Consul',
  plan: {
    addresses: consulAddresses,
    dns: {
      isLocal: true,
      at: '127.0.0.1',
      port: 8600,
      lines: [
        'local=/consul/',
        'edns-packet-max=512',
        ...bare([...gone, ...consulAddresses]).flatMap((ip) => {
          const hex = ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
          const target = `${hex.join('')}.addr.dc1.consul`;
          return [`host-record=${target},${ip}`, `srv-host=web.service.consul,${target},4370`];
        }),
      ],
    },
  },
  argument: withRow('Consul'),
};

const nomadAddresses = ['10.0.0.31/24', '10.0.0.32/24', '10.0.0.33/24'];
const nomadPort = (i: number) => 22_031 + i;

/** Allocations behind a bridge, with the same address on every client; a port of the client leads to each. */
function nomad(): Platform {
  let folder = '';
  const allocations: Namespace[] = [];
  const addresses = bare(nomadAddresses);
  return {
    platform: 'Nomad',
    plan: { addresses: nomadAddresses },
    argument: '',
    nodes: ({ hosts: clients }) => {
      const names = addresses.map((ip, i) => `web@${ip}:${nomadPort(i)}\n`);
      folder = mkdtempSync(join(tmpdir(), 'nomad-'));
      writeFileSync(join(folder, 'peers.txt'), names.join(''));
      return clients.map((client, i) => {
        const allocation = new Namespace();
        allocations.push(allocation);
        mapPort(client, allocation, nomadPort(i));
        const told = addresses[i]!;
        const env = expanded(assignmentsOf('Nomad'), {
          NOMAD_TASK_DIR: folder,
          NOMAD_IP_mesh: told,
          NOMAD_HOST_PORT_mesh: String(nomadPort(i)),
          NOMAD_PORT_mesh: '4370',
        });
        return { host: allocation, env: { ...env, PEERAGE_SECRET: SECRET }, told };
      });
    },
    end: () => {
      for (const allocation of allocations.splice(0)) allocation.delete();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function mapPort(client: Namespace, allocation: Namespace, port: number): void {
  client.exec('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  cardOfItsOwn(client, 'nomad', '172.26.64.1/20');
  client.ip('link', 'add', 'alloc', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', allocation.name);
  client.ip('link', 'set', 'alloc', 'master', 'nomad', 'up');
  addAddress(allocation, '172.26.64.2/20', 'eth0');
  allocation.ip('link', 'set', 'eth0', 'up');
  allocation.ip('route', 'add', 'default', 'via', '172.26.64.1');
  const rules = [
    'add table ip nat',
    'add chain ip nat in { type nat hook prerouting priority -100; }',
    'add chain ip nat out { type nat hook postrouting priority 100; }',
    `add rule ip nat in iifname eth0 tcp dport ${port} dnat to 172.26.64.2:4370`,
    `add rule ip nat in iifname eth0 udp dport ${port} dnat to 172.26.64.2:4370`,
    'add rule ip nat out oifname eth0 masquerade',
  ];
  client.exec('nft', rules.join('; '));
}

/** The names of the list say where they are, and that the third one is at another port. */
const machines: Platform = {
  platform: 'Ansible, systemd, fixed machines',
  plan: { addresses: ['10.0.0.11/24', '10.0.0.12/24', '10.0.0.13/24'] },
  argument: forRootAfter('viaList()', 'viaList'),
  nodes: () => [{}, {}, { argument: `{ ...(${forRootAfter('viaList()', 'viaList')}), port: 4371 }` }],
};

const oneNetwork: Platform = {
  platform: 'one local network',
  plan: { addresses: ['192.168.1.20/24', '192.168.1.21/24', '192.168.1.22/24'] },
  argument: withRow('one local network'),
};

export const PLATFORMS: readonly Platform[] = [
  laptop,
  pm2,
  compose,
  swarm,
  kubernetes,
  kubernetesPort,
  fly,
  ecs('AWS ECS, Cloud Map', hosts('web.myapp.local', ...bare(ecsAddresses))),
  ecs('AWS ECS, SRV records', ecsTasks),
  consul,
  nomad(),
  machines,
  oneNetwork,
];

/** The variables of the container in the manifest. */
function podEnvironment(podIp: string): Record<string, string> {
  const documents = yamlAfter('Kubernetes') as { kind: string; spec: Yaml }[];
  const deployment = documents.find(({ kind }) => kind === 'Deployment')!;
  const { template } = deployment.spec as unknown as {
    template: { spec: { containers: { env: EnvironmentEntry[] }[] } };
  };
  const entries = template.spec.containers[0]!.env.map(({ name, value, valueFrom }) => {
    if (value !== undefined) return [name, value] as const;
    return [name, valueFrom && 'fieldRef' in valueFrom ? podIp : SECRET] as const;
  });
  return Object.fromEntries(entries);
}

interface EnvironmentEntry {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: Yaml } | { readonly secretKeyRef: Yaml };
}

/** The variables that a row sets: `NAME=value`. */
function assignmentsOf(platform: string): Record<string, string> {
  const code = platformRow(platform).code.filter((each) => /^PEERAGE_\w+=/.test(each));
  return Object.fromEntries(
    code.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
  );
}

/** Variables in which the platform has put the values of its own. */
function expanded(
  variables: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>> = { CLUSTER_SECRET: SECRET },
): Record<string, string> {
  const expand = (text: string): string =>
    text.replace(/\$\{(\w+)\}/g, (whole, name: string) => own[name] ?? whole);
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, expand(value)]));
}
