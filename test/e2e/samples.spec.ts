import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { optionsFromEnvironment } from '../../lib/config/environment.js';
import { DEFAULT_PORT } from '../../lib/naming/node-name.js';
import { startDnsmasq } from '../support/providers/dnsmasq.js';
import type { Program } from '../support/processes/programs.js';
import { has } from '../support/requirements.mjs';
import { expectCluster, freePorts, nameOf, startNode } from '../support/apps/sample-nodes.js';
import { blocksOf, PAGES, readPage, typeErrorsOfPages } from '../support/pages/pages.js';
import { parseYaml } from '../support/apps/sample-yaml.js';

const SECRET = 'a secret of the samples';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peerage-samples-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Ends the last node as a process manager does; the others must hear its goodbye. */
async function expectGoodbye(nodes: readonly Program[]): Promise<void> {
  const others = [...nodes];
  const leaver = others.pop()!;
  const name = await nameOf(leaver);
  expect(await leaver.stop()).toEqual({ code: 0, signal: null });
  const goodbye = new RegExp(`peer\\.down \\(left\\) ${name} .*it said goodbye`);
  await Promise.all(others.map((node) => node.line(goodbye)));
  for (const node of others) expect(await node.stop()).toEqual({ code: 0, signal: null });
}

/** What the nodes of the quick start and the notice board need to be in a world of their own. */
const ownWorld = () => ({ TMPDIR: folder, TEMP: folder, TMP: folder });

describe('01-quick-start', () => {
  it('finds the others on this machine, tells of a killed one and of one that leaves', async () => {
    const env = { ...ownWorld(), CLUSTER: folder };
    const nodes = [1, 2, 3].map(() => startNode('01-quick-start', env));
    await expectCluster(nodes);
    const killed = nodes.pop()!;
    const name = await nameOf(killed);
    await killed.kill();
    const gone = new RegExp(`\\[NeighboursService\\] ${name} is gone \\(closed\\)\\. We are 2 now\\.`);
    await Promise.all(nodes.map((node) => node.line(gone)));
    await expectGoodbye(nodes);
  });
});

describe('02-list', () => {
  it('connects the nodes of the list', async () => {
    const ports = await freePorts(3);
    const NODES = ports.map((port) => `list@127.0.0.1:${port}`).join(' ');
    const nodes = ports.map((port) => startNode('02-list', { NODES, PORT: String(port) }));
    await expectCluster(nodes);
    await expectGoodbye(nodes);
  });
});

describe('03-dns-kubernetes', () => {
  it.skipIf(!has('dnsmasq'))('finds every address of a name, as pods behind a headless Service', async () => {
    const hosts = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
    const dns = await startDnsmasq(hosts.map((host) => `host-record=myapp-peers,${host}`));
    try {
      const [port] = await freePorts(1);
      const env = {
        PEERAGE_APP_NAME: 'myapp',
        PEERAGE_VIA: `dns:myapp-peers?nameservers=${dns.address}`,
        PEERAGE_SECRET: SECRET,
        PEERAGE_PORT: String(port),
      };
      const nodes = hosts.map((host) => startNode('03-dns-kubernetes', { ...env, PEERAGE_BIND: host }));
      await expectCluster(nodes);
      expect(await Promise.all(nodes.map(nameOf))).toEqual(hosts.map((host) => `myapp@${host}:${port}`));
      await expectGoodbye(nodes);
    } finally {
      await dns.stop();
    }
  });

  describe('its manifests', () => {
    const service = manifest('peers-service');
    const deployment = manifest('deployment');
    const secret = manifest('secret');
    const policy = manifest('network-policy');
    const template = deployment.spec.template;
    const [container] = template.spec.containers;
    const env = new Map<string, any>(container.env.map((entry: any) => [entry.name, entry]));

    it('select the pods of the Deployment', () => {
      const { labels } = template.metadata;
      expect(deployment.spec.selector.matchLabels).toEqual(labels);
      expect(service.spec.selector).toEqual(labels);
      expect(policy.spec.podSelector.matchLabels).toEqual(labels);
      expect(policy.spec.ingress[0].from[0].podSelector.matchLabels).toEqual(labels);
    });

    it('make a headless Service that lists pods before they are ready', () => {
      expect(service.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    });

    it('open the port of the mesh, TCP and UDP', () => {
      const both = [
        { port: DEFAULT_PORT, protocol: 'TCP' },
        { port: DEFAULT_PORT, protocol: 'UDP' },
      ];
      expect(service.spec.ports).toMatchObject(both);
      expect(policy.spec.ingress[0].ports).toMatchObject(both);
      const ofContainer = both.map(({ port, protocol }) => ({ containerPort: port, protocol }));
      expect(container.ports).toMatchObject(ofContainer);
    });

    it('give the pod its address and the secret', () => {
      expect(env.get('POD_IP').valueFrom.fieldRef.fieldPath).toBe('status.podIP');
      const { name, key } = env.get('PEERAGE_SECRET').valueFrom.secretKeyRef;
      expect(secret.metadata.name).toBe(name);
      expect(secret.stringData).toHaveProperty(key);
    });

    it('set variables that the module takes, and name the Service', () => {
      const plain = [...env.values()].filter(({ value }) => value !== undefined);
      const variables = Object.fromEntries(plain.map(({ name, value }) => [name, String(value)]));
      const secretText = Object.values(secret.stringData)[0] as string;
      const options = optionsFromEnvironment({ ...variables, PEERAGE_SECRET: secretText });
      expect(options.via).toMatchObject([{ name: `dns:${service.metadata.name}` }]);
      expect(options).toMatchObject({ appName: template.metadata.labels.app, secret: [secretText] });
    });
  });
});

describe('04-udp-docker-compose', () => {
  it('finds the others by multicast', async () => {
    // A group port that nobody else in this network announces on by chance.
    const UDP_PORT = String(20_000 + Math.floor(Math.random() * 12_000));
    const env = { UDP_PORT, CLUSTER_SECRET: SECRET, PEERAGE_HOST: '127.0.0.1' };
    const nodes = [1, 2, 3].map(() => startNode('04-udp-docker-compose', env));
    await expectCluster(nodes);
    await expectGoodbye(nodes);
  });

  it('has a compose file that starts three of them with one secret', () => {
    const { services, networks } = read('04-udp-docker-compose/compose.yaml');
    expect(services.app.deploy.replicas).toBe(3);
    expect(services.app.environment.CLUSTER_SECRET).toMatch(/^\$\{CLUSTER_SECRET:\?.+\}$/);
    expect(services.app.networks).toEqual(Object.keys(networks));
    const dockerfile = readText(services.app.build.dockerfile.replace(/^sample\//, ''));
    expect(dockerfile).toContain('CMD ["node", "build/sample/04-udp-docker-compose/src/main.js"]');
  });
});

describe('05-custom-provider', () => {
  it('takes names from a function, a class with a dependency, and a provider that serves', async () => {
    const [one, two, three, four] = (await freePorts(4)) as [number, number, number, number];
    const INVENTORY = join(folder, 'inventory.json');
    writeFileSync(INVENTORY, JSON.stringify([{ address: '127.0.0.1', port: three }]));
    const board = join(folder, 'board');
    const start = (port: number, env: Record<string, string>) =>
      startNode('05-custom-provider', {
        PORT: String(port),
        NOTICE_BOARD: join(folder, String(port)),
        ...env,
      });

    const second = start(two, {});
    const third = start(three, {});
    await Promise.all([nameOf(second), nameOf(third)]);
    const NODES = `custom@127.0.0.1:${two}`;
    const first = start(one, { NODES, INVENTORY, NOTICE_BOARD: board });
    await expectCluster([first, second, third]);
    // Nobody knows of it, but it shares the board with the first one.
    const fourth = start(four, { NOTICE_BOARD: board });
    await expectCluster([first, second, third, fourth]);
    await expectGoodbye([first, second, third, fourth]);
  });
});

describe('06-config-from-env', () => {
  it('is configured by variables', async () => {
    const ports = await freePorts(2);
    const list = ports.map((port) => `shop@127.0.0.1:${port}`).join(';');
    const env = {
      PEERAGE_APP_NAME: 'shop',
      PEERAGE_VIA: `list:${list}`,
      PEERAGE_SECRET: SECRET,
      PEERAGE_BIND: '127.0.0.1',
    };
    const nodes = ports.map((port) =>
      startNode('06-config-from-env', { ...env, PEERAGE_PORT: String(port) }),
    );
    await expectCluster(nodes);
    await expectGoodbye(nodes);
  });

  it('tells all that is wrong at once, and does not start', async () => {
    const node = startNode('06-config-from-env', { PEERAGE_PORT: 'many', PEERAGE_SECRET: 'short' });
    await node.line(/PEERAGE_PORT: "many" is not a whole number/);
    await node.line(/PEERAGE_SECRET: is 5 bytes long/);
    expect((await node.ended).code).toBe(1);
  });

  it('has an example that works', () => {
    const lines = readText('06-config-from-env/.env.example').split('\n');
    const pairs = lines.flatMap((line) => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value] as const];
    });
    expect(optionsFromEnvironment(Object.fromEntries(pairs))).toMatchObject({
      appName: 'shop',
      via: [{ name: 'local' }],
      bind: '127.0.0.1',
    });
  });
});

describe('the pages for users', () => {
  it('have code that compiles in a new Nest app', () => {
    expect(PAGES.flatMap((page) => blocksOf(page, 'ts')).length).toBeGreaterThan(25);
    expect(typeErrorsOfPages()).toEqual([]);
  });

  it('show the manifests of the sample', () => {
    const [kubernetes = ''] = blocksOf('docs/platforms.md', 'yaml');
    const shown = kubernetes.split('---\n').map(parseYaml);
    expect(shown).toEqual([manifest('peers-service'), manifest('deployment')]);
  });

  it('say of every code what to do', () => {
    const rows = readPage('docs/error-codes.md')
      .split('\n')
      .filter((line) => /^\| `[A-Z_]+`/.test(line));
    const known = new Set(
      rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code)),
    );
    expect(codesInUse().filter((code) => !known.has(code))).toEqual([]);
  });
});

/** Codes that the library gives. */
function codesInUse(): string[] {
  const lib = fileURLToPath(new URL('../../lib/', import.meta.url));
  const declared = readFileSync(join(lib, 'errors/peerage-error.ts'), 'utf8').matchAll(
    /^ {2}\| '([A-Z_]+)'/gm,
  );
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts') && !file.startsWith('errors'));
  const code = sources.map((file) => readFileSync(join(lib, file), 'utf8')).join();
  return [...declared].map(([, name]) => name!).filter((name) => code.includes(`'${name}'`));
}

function manifest(name: string): any {
  return read(`03-dns-kubernetes/manifests/${name}.yaml`);
}

function read(file: string): any {
  return parseYaml(readText(file));
}

function readText(file: string): string {
  return readFileSync(fileURLToPath(new URL(`../../sample/${file}`, import.meta.url)), 'utf8');
}
