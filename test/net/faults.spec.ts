import { execFile, execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeConfig } from '../programs/node-config.js';
import { Chromium, says } from '../support/pages/browser.js';
import { Cluster, type ClusterNode, fullMesh, SECRET } from '../support/processes/cluster.js';
import type { Dnsmasq } from '../support/providers/dnsmasq.js';
import { startDnsmasq } from '../support/providers/dnsmasq.js';
import { ClusterNetwork } from '../support/net/network.js';
import { has } from '../support/requirements.mjs';
import type { Namespace } from '../support/providers/via-namespaces.js';

const PORT = 4_370;
const HTTP = 3_000;

/** Who is on call looks for ten seconds; a machine that is shared has a little more. */
const SOON_MS = 12_000;

/** What worked before is tried again each 30 s, and then until it has failed for six beats. */
const LATER_MS = 75_000;

const program = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));

/** What `nestjs-peerage status` says of a node. */
function statusOf(node: ClusterNode): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'status', String(node.pid)], (_error, stdout, stderr) =>
      resolve(`${stdout}${stderr}`),
    );
  });
}

/** Waits until it says so. */
async function statusSaying(node: ClusterNode, pattern: RegExp): Promise<void> {
  const endMs = performance.now() + SOON_MS;
  let text = await statusOf(node);
  while (!pattern.test(text)) {
    if (performance.now() > endMs) throw new Error(`status does not say ${pattern} but:\n${text}`);
    await sleep(300);
    text = await statusOf(node);
  }
}

/** Waits until a line above debug level says so. Returns it. */
async function logged(node: ClusterNode, pattern: RegExp, timeoutMs = SOON_MS): Promise<string> {
  const [line] = await node.program.line(pattern, { timeoutMs });
  const whole = node.program.lines.find((each) => each.includes(line))!;
  expect(whole).toMatch(/ (LOG|WARN|ERROR) \[Peerage\]/);
  return whole;
}

/** Waits until a series of the metrics of a node is greater than 0, or, of a gauge, what it should be. */
async function measured(node: ClusterNode, series: string, value = '[1-9]\\d*'): Promise<void> {
  const literal = series.replaceAll(/[{}().]/g, '\\$&');
  await node.run('seek', { what: 'metrics', pattern: `${literal} ${value}\\b`, timeoutMs: SOON_MS });
}

/** Waits until the snapshot that the dashboard of a node shows says so. */
async function shown(node: ClusterNode, pattern: RegExp): Promise<void> {
  await node.run('seek', { what: 'dashboard', pattern: pattern.source, timeoutMs: SOON_MS });
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
  let chromium: Chromium | undefined;

  beforeAll(async () => {
    network = new ClusterNetwork();
    for (let i = 0; i < 18; i++) network.addHost();
    // Its name server is an address that nobody has.
    deaf = network.addHost({ resolvConf: 'nameserver 10.77.0.250\n' });
    dns = has('dnsmasq')
      ? await startDnsmasq(['local=/test/'], { namespace: network.hosts[6]!.name, port: 53 })
      : undefined;
    const lookout = network.lookout();
    if (has('chromium-headless-shell')) chromium = await Chromium.start(lookout);
  });
  afterAll(async () => {
    await chromium?.stop();
    await cluster.stop();
    await dns?.stop();
    network.delete();
  });

  const nameOf = (index: number) => network.nameOf(network.hosts[index]!, PORT);
  /** A node on that host, told of those on others. */
  const start = (index: number, others: readonly number[], more: NodeConfig = {}): Promise<ClusterNode> =>
    cluster.start(
      {
        appName: 'app',
        secret: SECRET,
        port: PORT,
        shownAt: HTTP,
        via: [{ list: others.map(nameOf) }],
        ...more,
      },
      { namespace: network.hosts[index]!.name },
    );
  /** Waits until the page of the node on that host says so, in a browser on another one. */
  const onPage = async (index: number, selector: string, pattern: RegExp): Promise<void> => {
    const page = await chromium?.page(`http://${network.addressOf(network.hosts[index]!)}:${HTTP}/peerage`);
    if (!page) return;
    await says(page, selector, pattern, SOON_MS);
    await page.close();
  };

  it('wrong secret', async () => {
    const [a, b] = await Promise.all([
      start(0, [1]),
      start(1, [0], { secret: 'another secret, just as long' }),
    ]);
    const inMetrics = (direction: string): string =>
      `peerage_refusals_total{peerage_refusal_direction="${direction}",error_type="WRONG_SECRET"}`;
    const [alone, refused] = await Promise.all([
      logged(a, /This node is alone.*it does not accept our secret.*WRONG_SECRET/),
      logged(b, /Refused the call of .*WRONG_SECRET \(The caller has the secret .*\)/),
      shown(a, /app@10\.77\.0\.2 is not reached\. .*does not accept our secret/),
      onPage(0, '#findings', /app@10\.77\.0\.2 is not reached\. .*does not accept our secret/),
      measured(a, inMetrics('outbound')),
      measured(b, inMetrics('inbound')),
    ]);
    const ofA = /The secret of this node is ([0-9a-f]{6})/.exec(alone)![1];
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
    const [ofA, ofB] = await Promise.all([
      logged(a, /This node is alone.*WRONG_CLUSTER/),
      logged(b, /This node is alone.*WRONG_CLUSTER/),
      shown(a, /app@10\.77\.0\.4 is not reached\. .*WRONG_CLUSTER/),
      measured(a, 'peerage_dials_total{peerage_result="failed",error_type="WRONG_CLUSTER"}'),
    ]);
    expect(ofA).toMatch(both);
    expect(ofB).toMatch(both);
    expect(await statusOf(b)).toContain('WRONG_CLUSTER');
  });

  it('a TCP port that a firewall closes', async () => {
    nft(network.hosts[5]!, 'input', `tcp dport ${PORT} drop`);
    const [a] = await Promise.all([start(4, [5]), start(5, [])]);
    const [line] = await Promise.all([
      logged(a, /WARN \[Peerage\].*This node is alone/),
      shown(a, /app@10\.77\.0\.6 is not reached\. .*firewall.*DIAL_TIMEOUT/),
      onPage(4, '#findings', /app@10\.77\.0\.6 is not reached\. .*firewall/),
      measured(a, 'peerage_dials_total{peerage_result="failed",error_type="DIAL_TIMEOUT"}'),
    ]);
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
    await Promise.all([
      logged(a, /WARN \[Peerage\].*This node is alone.* dns:myapp\.test gives no name: .*spelt right/),
      shown(a, /dns:myapp\.test gives no name: .*spelt right/),
      measured(a, 'peerage_provider_names{peerage_provider_name="dns:myapp.test"}', '0'),
    ]);
    expect(await statusOf(a)).toMatch(/dns:myapp\.test: 0 names, /);
  });

  it('a name server that is dead', async () => {
    const a = await start(7, [], {
      via: [{ dns: { dnsName: 'myapp.test', nameservers: ['127.0.0.1:5353'] } }],
    });
    await Promise.all([
      logged(a, /WARN \[Peerage\].*Provider dns:myapp\.test failed: /),
      shown(a, /Provider dns:myapp\.test: fails on 1 of 1 node /),
      measured(a, 'peerage_provider_failing{peerage_provider_name="dns:myapp.test"}'),
    ]);
    expect(await statusOf(a)).toMatch(/dns:myapp\.test: no answer yet; FAILS for /);
  });

  it('a name server that is dead, and host names in a list', async () => {
    const a = await cluster.start(
      {
        appName: 'app',
        secret: SECRET,
        port: PORT,
        shownAt: HTTP,
        via: [{ list: ['app@one.test', 'app@two.test'] }],
      },
      { namespace: deaf.name },
    );
    const [line] = await Promise.all([
      logged(a, /WARN \[Peerage\].*This node is alone/),
      shown(a, /app@one\.test is not reached\. .*(name servers answer|is DNS reachable)/),
      measured(a, 'peerage_dials_total{peerage_result="failed",error_type="HOST_NOT_FOUND"}'),
    ]);
    expect(line).toMatch(/2 other nodes are known .*HOST_NOT_FOUND/);
    expect(line).toMatch(/name servers answer|is DNS reachable/);
  });

  it('UDP that is blocked, and nothing else', async () => {
    nft(network.hosts[10]!, 'input', `udp dport ${PORT} drop`);
    const nodes = await Promise.all([start(8, [9, 10]), start(9, [8, 10]), start(10, [8, 9])]);
    await fullMesh(nodes);
    const [a, , blocked] = nodes;
    await Promise.all([
      logged(blocked, /WARN \[Peerage\].*UDP is blocked at this host: none of 2 peers answers/),
      logged(a, /WARN \[Peerage\].*UDP probes from here do not reach app@10\.77\.0\.11/),
      shown(a, /UDP is blocked at this host: .*"nodes":\["app@10\.77\.0\.11"\]/),
      onPage(8, '#notes', /UDP is blocked at this host: .*\(app@10\.77\.0\.11\)/),
      measured(blocked, 'peerage_peer_probes{peerage_probe_state="unanswered"}', '2'),
      measured(a, 'peerage_peer_probes{peerage_probe_state="one_way"}', '1'),
    ]);
    expect(await statusOf(blocked)).toContain(`Open UDP port ${PORT} here`);
    expect(await statusOf(a)).toContain(`open UDP port ${PORT} there`);
  });

  it('UDP that is blocked while the cluster runs', async () => {
    const [first, second, closed] = [15, 16, 17] as const;
    const nodes = await Promise.all([
      start(first, [second, closed]),
      start(second, [first, closed]),
      start(closed, [first, second]),
    ]);
    await fullMesh(nodes);
    const [a, , blocked] = nodes;
    await measured(blocked, 'peerage_peer_probes{peerage_probe_state="answered"}', '2');
    nft(network.hosts[closed]!, 'input', `udp dport ${PORT} drop`);
    await Promise.all([
      logged(blocked, /WARN \[Peerage\].*UDP is blocked at this host: none of 2 peers answers/, LATER_MS),
      logged(a, /WARN \[Peerage\].*UDP probes from here do not reach app@10\.77\.0\.18/, LATER_MS),
    ]);
    expect(await statusOf(blocked)).toContain(`Open UDP port ${PORT} here`);
  });

  it('an event loop that is blocked', async () => {
    const [a, b] = await Promise.all([start(11, [12]), start(12, [11])]);
    await fullMesh([a, b]);
    // So long that a machine that is busy, too, has the time to read of it.
    void b.run('block', 20_000).catch(() => {});
    await Promise.all([
      logged(a, /peer\.degraded app@10\.77\.0\.13 .*its event loop is blocked/),
      shown(a, /app@10\.77\.0\.13 answers no longer, since its event loop is blocked/),
      onPage(11, '#findings', /app@10\.77\.0\.13 answers no longer, since its event loop is blocked/),
      measured(a, 'peerage_peer_count{peerage_peer_status="degraded"}'),
      statusSaying(a, /app@10\.77\.0\.13 .*degraded.*Its event loop is blocked/),
    ]);
    await logged(
      b,
      /WARN \[Peerage\].*event loop of this node was blocked for \d+\.\d s until now/,
      LATER_MS,
    );
    await Promise.all([
      shown(b, /"lastBlock":\{"forMs":(19|2\d)\d\d\d/),
      measured(b, 'peerage_event_loop_blocks_total'),
    ]);
    expect(await statusOf(b)).toMatch(/event loop: blocked (once|\d+ times), for \d+\.\d s/);
  });

  it('a path that is open one way', async () => {
    const [a, b] = await Promise.all([start(13, [14]), start(14, [13])]);
    await fullMesh([a, b]);
    nft(network.hosts[14]!, 'input', 'ip saddr 10.77.0.14 drop');
    const down = 'peerage_peer_downs_total{peerage_down_reason="timeout"}';
    await Promise.all([
      logged(b, /WARN \[Peerage\].*peer\.down \(timeout\) app@10\.77\.0\.14 .*silent for/),
      logged(a, /WARN \[Peerage\].*peer\.down \(timeout\) app@10\.77\.0\.15 .*it has not heard us for/),
      shown(a, /app@10\.77\.0\.15 is gone: timeout .*: it has not heard us for/),
      shown(b, /app@10\.77\.0\.14 is gone: timeout .*: silent for/),
      onPage(13, '#timeline', /app@10\.77\.0\.15 is down \(timeout\): it has not heard us for/),
      measured(a, down),
      measured(b, down),
    ]);
    expect(await statusOf(b)).toMatch(/app@10\.77\.0\.14: /);
  });
});
