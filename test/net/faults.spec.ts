import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeConfig } from '../programs/node-config.js';
import { Cluster, type ClusterNode, fullMesh, SECRET } from '../support/processes/cluster.js';
import type { Dnsmasq } from '../support/providers/dnsmasq.js';
import { startDnsmasq } from '../support/providers/dnsmasq.js';
import { ClusterNetwork } from '../support/net/network.js';
import { has } from '../support/requirements.mjs';
import type { Namespace } from '../support/providers/via-namespaces.js';

const PORT = 4_370;

/** Who is on call looks for ten seconds; a machine that is shared has a little more. */
const SOON_MS = 12_000;

const program = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));

/** What `nestjs-peerage status` says of a node. */
function statusOf(node: ClusterNode): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'status', String(node.pid)], (_error, stdout, stderr) =>
      resolve(`${stdout}${stderr}`),
    );
  });
}

/** Waits until a line above debug level says so. Returns it. */
async function logged(node: ClusterNode, pattern: RegExp, timeoutMs = SOON_MS): Promise<string> {
  const [line] = await node.program.line(pattern, { timeoutMs });
  const whole = node.program.lines.find((each) => each.includes(line))!;
  expect(whole).toMatch(/ (LOG|WARN|ERROR) \[Peerage\]/);
  return whole;
}

function nft(host: Namespace, chain: 'input' | 'output', rule: string): void {
  const text = `table inet fault {\nchain ${chain} {\ntype filter hook ${chain} priority 0\n${rule}\n}\n}\n`;
  execFileSync('ip', ['netns', 'exec', host.name, 'nft', '-f', '-'], {
    input: text,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

describe.skipIf(!has('netns')).concurrent('a fault, as the person on call reads of it', () => {
  const cluster = new Cluster();
  let network: ClusterNetwork;
  let deaf: Namespace;
  let dns: Dnsmasq | undefined;

  beforeAll(async () => {
    network = new ClusterNetwork();
    for (let i = 0; i < 15; i++) network.addHost();
    // Its name server is an address that nobody has.
    deaf = network.addHost({ resolvConf: 'nameserver 10.77.0.250\n' });
    dns = has('dnsmasq')
      ? await startDnsmasq(['local=/test/'], { namespace: network.hosts[6]!.name, port: 53 })
      : undefined;
  });
  afterAll(async () => {
    await cluster.stop();
    await dns?.stop();
    network.delete();
  });

  const nameOf = (index: number) => network.nameOf(network.hosts[index]!, PORT);
  /** A node on that host, told of those on others. */
  const start = (index: number, others: readonly number[], more: NodeConfig = {}): Promise<ClusterNode> =>
    cluster.start(
      { appName: 'app', secret: SECRET, port: PORT, via: [{ list: others.map(nameOf) }], ...more },
      { namespace: network.hosts[index]!.name },
    );

  it('wrong secret', async () => {
    const [a, b] = await Promise.all([
      start(0, [1]),
      start(1, [0], { secret: 'another secret, just as long' }),
    ]);
    const alone = await logged(a, /This node is alone.*it does not accept our secret.*WRONG_SECRET/);
    const ofA = /The secret of this node is ([0-9a-f]{6})/.exec(alone)![1];
    const refused = await logged(b, /Refused the call of .*WRONG_SECRET \(The caller has the secret .*\)/);
    expect(refused).toMatch(new RegExp(`The caller has the secret ${ofA}, this node [0-9a-f]{6}`));
    expect(await statusOf(a)).toMatch(/ALONE for .*does not accept our secret/);
  });

  it('another label, of nodes that are open', async () => {
    const open = { secret: undefined, insecure: true } as unknown as NodeConfig;
    const [a, b] = await Promise.all([
      start(2, [3], { ...open, cluster: 'blue' }),
      start(3, [2], { ...open, cluster: 'green' }),
    ]);
    // Whichever side tells it, it is clear which node has which label.
    const both = new RegExp(
      `${nameOf(2)} .*"blue".*${nameOf(3)} .*"green"|${nameOf(3)} .*"green".*${nameOf(2)} .*"blue"`.replaceAll(
        `:${PORT}`,
        '',
      ),
    );
    expect(await logged(a, /This node is alone.*WRONG_CLUSTER/)).toMatch(both);
    expect(await logged(b, /This node is alone.*WRONG_CLUSTER/)).toMatch(both);
    expect(await statusOf(b)).toContain('WRONG_CLUSTER');
  });

  it('a TCP port that a firewall closes', async () => {
    nft(network.hosts[5]!, 'input', `tcp dport ${PORT} drop`);
    const [a] = await Promise.all([start(4, [5]), start(5, [])]);
    const line = await logged(a, /WARN \[Peerage\].*This node is alone/);
    expect(line).toMatch(
      /1 other node is known \(by list\), and none can be reached\. .*firewall.*\(DIAL_TIMEOUT\)/,
    );
    const status = await statusOf(a);
    expect(status).toMatch(/ALONE for/);
    expect(status).toMatch(/dials: 0 connected, [1-9]\d* DIAL_TIMEOUT/);
  });

  it.skipIf(!has('dnsmasq'))('a DNS name without an answer', async () => {
    const a = await start(6, [], {
      via: [{ dns: { dnsName: 'myapp.test', nameservers: ['127.0.0.1:53'] } }],
    });
    await logged(a, /WARN \[Peerage\].*This node is alone.* dns:myapp\.test gives no name: .*spelt right/);
    expect(await statusOf(a)).toMatch(/dns:myapp\.test: 0 names, /);
  });

  it('a name server that is dead', async () => {
    const a = await start(7, [], {
      via: [{ dns: { dnsName: 'myapp.test', nameservers: ['127.0.0.1:5353'] } }],
    });
    await logged(a, /WARN \[Peerage\].*Provider dns:myapp\.test failed: /);
    expect(await statusOf(a)).toMatch(/dns:myapp\.test: no answer yet; FAILS for /);
  });

  it('a name server that is dead, and host names in a list', async () => {
    const a = await cluster.start(
      { appName: 'app', secret: SECRET, port: PORT, via: [{ list: ['app@one.test', 'app@two.test'] }] },
      { namespace: deaf.name },
    );
    const line = await logged(a, /WARN \[Peerage\].*This node is alone/);
    expect(line).toMatch(/2 other nodes are known .*HOST_NOT_FOUND/);
    expect(line).toMatch(/name servers answer|is DNS reachable/);
  });

  it('UDP that is blocked, and nothing else', async () => {
    nft(network.hosts[10]!, 'input', `udp dport ${PORT} drop`);
    const nodes = await Promise.all([start(8, [9, 10]), start(9, [8, 10]), start(10, [8, 9])]);
    await fullMesh(nodes);
    const [a, , blocked] = nodes;
    await logged(blocked, /WARN \[Peerage\].*UDP is blocked at this host: none of 2 peers answers/);
    await logged(a, /WARN \[Peerage\].*UDP probes from here do not reach app@10\.77\.0\.11/);
    expect(await statusOf(blocked)).toContain(`Open UDP port ${PORT} here`);
    expect(await statusOf(a)).toContain(`open UDP port ${PORT} there`);
  });

  it('an event loop that is blocked', async () => {
    const [a, b] = await Promise.all([start(11, [12]), start(12, [11])]);
    await fullMesh([a, b]);
    void b.run('block', 6_000).catch(() => {});
    await logged(a, /peer\.degraded app@10\.77\.0\.13 .*its event loop is blocked/);
    expect(await statusOf(a)).toMatch(/app@10\.77\.0\.13 .*degraded.*Its event loop is blocked/);
    await logged(b, /WARN \[Peerage\].*event loop of this node was blocked for \d+\.\d s until now/);
    expect(await statusOf(b)).toMatch(/event loop: blocked (once|\d+ times), for \d+\.\d s/);
  });

  it('a path that is open one way', async () => {
    const [a, b] = await Promise.all([start(13, [14]), start(14, [13])]);
    await fullMesh([a, b]);
    nft(network.hosts[14]!, 'input', 'ip saddr 10.77.0.14 drop');
    await logged(b, /WARN \[Peerage\].*peer\.down \(timeout\) app@10\.77\.0\.14 .*silent for/);
    await logged(a, /WARN \[Peerage\].*peer\.down \(timeout\) app@10\.77\.0\.15 .*it has not heard us for/);
    expect(await statusOf(b)).toMatch(/app@10\.77\.0\.14: /);
  });
});
