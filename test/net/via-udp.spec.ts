import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { has } from '../support/requirements.mjs';
import type { Namespace } from '../support/providers/via-namespaces.js';
import { Namespace as LoneNamespace, Network } from '../support/providers/via-namespaces.js';
import type { ViaProcessOptions } from '../support/providers/via-process.js';
import { ViaProcess } from '../support/providers/via-process.js';

/** Below the 3 s after which every node announces itself again anyway. */
const AT_ONCE_MS = 2_500;
/** Within this time a node says what does not work, or has found the others. */
const SOON_MS = 10_000;

describe.skipIf(!has('netns'))('viaUdp in a network', () => {
  let network: Network;
  const nodes: ViaProcess[] = [];

  beforeEach(() => {
    network = new Network();
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.kill()));
    network.delete();
  });

  async function serve(
    host: Namespace,
    name: string,
    { url = 'udp:', ...options }: ViaProcessOptions & { url?: string } = {},
  ): Promise<ViaProcess> {
    const node = new ViaProcess(url, name, 'serve', { namespace: host.name, ...options });
    nodes.push(node);
    await node.message(({ ready }) => ready);
    return node;
  }

  const nameOn = (host: Namespace, port: number) => `app@${network.addressOf(host)}:${port}`;

  it.each(['udp:', 'udp:?broadcast'])('joins hosts and the processes of each at once: %s', async (url) => {
    const [left, right] = [network.addHost(), network.addHost()];
    const places = [left, left, right].map((host, i) => ({ host, name: nameOn(host, 5_001 + i) }));
    const served: ViaProcess[] = [];
    for (const { host, name } of places) served.push(await serve(host, name, { url }));
    for (const [i, node] of served.entries()) {
      const others = places.filter((_, j) => j !== i);
      await Promise.all(others.map(({ name }) => node.hasFound(name, { timeoutMs: AT_ONCE_MS })));
    }
  });

  it('joins signed nodes, and keeps the others out', async () => {
    const [left, right] = [network.addHost(), network.addHost()];
    const key = 'ab'.repeat(32);
    const first = await serve(left, nameOn(left, 1), { key });
    await serve(right, nameOn(right, 2));
    const second = await serve(right, nameOn(right, 3), { key });
    await Promise.all([first.hasFound(nameOn(right, 3)), second.hasFound(nameOn(left, 1))]);
    expect(await first.poll()).toEqual([nameOn(right, 3)]);
  });

  it('tells nobody beyond the host of a node that only this host can reach', async () => {
    const [left, right] = [network.addHost(), network.addHost()];
    const outside = await serve(right, nameOn(right, 1));
    const inside = await serve(left, 'app@127.0.0.1:2');
    const beside = await serve(left, nameOn(left, 3));
    await Promise.all([inside.hasFound(nameOn(left, 3)), beside.hasFound('app@127.0.0.1:2')]);
    await outside.hasFound(nameOn(left, 3));
    expect(await outside.poll()).toEqual([nameOn(left, 3)]);
  });

  it('survives an interface that goes down and up', async () => {
    const [left, right] = [network.addHost(), network.addHost()];
    const first = await serve(left, nameOn(left, 1));
    left.ip('link', 'set', 'eth0', 'down');
    await serve(right, nameOn(right, 2));
    // Longer than between two announcements: it notices, and goes on alone.
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    expect(first.messages.filter(({ failed }) => failed)).toEqual([]);
    const from = first.messages.length;
    left.ip('link', 'set', 'eth0', 'up');
    await first.hasFound(nameOn(right, 2), { from, timeoutMs: 30_000 });
  });

  it('hears on a network card that took the place of a removed one', async () => {
    const [left, right] = [network.addHost(), network.addHost()];
    const first = await serve(left, nameOn(left, 1));
    left.ip('link', 'delete', 'eth0');
    network.plugIn(left);
    const second = await serve(right, nameOn(right, 2));
    await first.hasFound(nameOn(right, 2), { timeoutMs: 30_000 });
    await second.hasFound(nameOn(left, 1), { timeoutMs: 30_000 });
  });

  it('does not use up its memberships when network cards come and go', async () => {
    const [left, right] = [network.addHost(), network.addHost()];
    // Enough for loopback and one card.
    left.exec('sysctl', '-w', 'net.ipv4.igmp_max_memberships=2');
    const first = await serve(left, nameOn(left, 1));
    left.ip('link', 'delete', 'eth0');
    // Longer than between two announcements.
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    network.plugIn(left);
    await serve(right, nameOn(right, 2));
    await first.hasFound(nameOn(right, 2), { timeoutMs: 30_000 });
  });

  it('hears on an interface that came up after it', async () => {
    const [left, right] = [network.addHost(), network.addHost()];
    left.ip('link', 'set', 'eth0', 'down');
    const first = await serve(left, nameOn(left, 1));
    const second = await serve(right, nameOn(right, 2));
    left.ip('link', 'set', 'eth0', 'up');
    await first.hasFound(nameOn(right, 2), { timeoutMs: 30_000 });
    await second.hasFound(nameOn(left, 1), { timeoutMs: 30_000 });
  });
});

describe.skipIf(!has('netns'))('viaUdp where multicast does not work as it should', () => {
  /** Called when the test is over: these run side by side. */
  type After = (end: () => Promise<void> | void) => void;

  /** Two hosts on a switch of their own. */
  function pair(after: After): { left: Namespace; right: Namespace; network: Network } {
    const network = new Network();
    after(() => network.delete());
    return { left: network.addHost(), right: network.addHost(), network };
  }

  async function serve(after: After, host: Namespace, name: string, url = 'udp:'): Promise<ViaProcess> {
    const node = new ViaProcess(url, name, 'serve', { namespace: host.name });
    after(() => node.kill());
    await node.message(({ ready }) => ready, { timeoutMs: 60_000 });
    return node;
  }

  function block(host: Namespace, hook: 'input' | 'output'): void {
    host.exec('nft', 'add table ip cut');
    host.exec('nft', `add chain ip cut drops { type filter hook ${hook} priority 0; }`);
    const card = hook === 'input' ? 'iifname eth0' : 'oifname eth0';
    host.exec('nft', `add rule ip cut drops ${card} ip daddr 224.0.0.0/4 drop`);
  }

  const doctorOf = async (host: Namespace, url: string): Promise<string> => {
    const program = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
    const args = ['netns', 'exec', host.name, process.execPath, program, 'doctor', url, '--no-dial'];
    const doctor = promisify(execFile)('ip', args, {
      env: { ...process.env, PEERAGE_SECRET: 's'.repeat(20) },
    });
    return doctor.then(
      ({ stdout }) => stdout,
      (error: unknown) => (error as { stdout: string }).stdout,
    );
  };

  it.concurrent.for(['input', 'output'] as const)(
    'says so within 10 s where a firewall drops it (%s), and finds by broadcast',
    async (hook, { onTestFinished }) => {
      const { left, right } = pair(onTestFinished);
      block(left, hook);
      const node = await serve(onTestFinished, left, 'app@10.77.0.1:1');
      const { warned } = await node.message((message) => message.warned, { timeoutMs: SOON_MS });
      expect(warned).toMatch(
        /not heard on 10\.77\.0\.1.* drops multicast to 230\.1\.1\.1:45900.*broadcast: true/,
      );
      expect(await doctorOf(left, 'udp:')).toMatch(
        /FAIL.*230\.1\.1\.1, port 45900, on 10\.77\.0\.1.*\n +do: .*broadcast/,
      );
      expect(await doctorOf(right, 'udp:')).toMatch(
        /ok .*230\.1\.1\.1, port 45900, on 10\.77\.0\.2: comes back/,
      );
      const [one, other] = [
        await serve(onTestFinished, left, 'app@10.77.0.1:2', 'udp:?broadcast'),
        await serve(onTestFinished, right, 'app@10.77.0.2:2', 'udp:?broadcast'),
      ];
      await Promise.all([one.hasFound('app@10.77.0.2:2'), other.hasFound('app@10.77.0.1:2')]);
      expect([...one.messages, ...other.messages].filter((message) => message.warned)).toEqual([]);
    },
  );

  it.concurrent('finds by interfaces that do not say that they can do it', async ({ onTestFinished }) => {
    const { left, right } = pair(onTestFinished);
    for (const host of [left, right]) host.ip('link', 'set', 'eth0', 'multicast', 'off');
    const [one, other] = [
      await serve(onTestFinished, left, 'app@10.77.0.1:1'),
      await serve(onTestFinished, right, 'app@10.77.0.2:1'),
    ];
    await Promise.all([
      one.hasFound('app@10.77.0.2:1', { timeoutMs: SOON_MS }),
      other.hasFound('app@10.77.0.1:1', { timeoutMs: SOON_MS }),
    ]);
    expect([...one.messages, ...other.messages].filter((message) => message.warned)).toEqual([]);
  });
});

describe.skipIf(!has('netns'))('viaUdp without a network', () => {
  let host: LoneNamespace;
  const nodes: ViaProcess[] = [];
  const serve = (name: string) => {
    const node = new ViaProcess('udp:', name, 'serve', { namespace: host.name });
    nodes.push(node);
    return node;
  };

  beforeEach(() => {
    host = new LoneNamespace();
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.kill()));
    host.delete();
  });

  it('joins the processes of a host', async () => {
    const [first, second] = [serve('app@127.0.0.1:1'), serve('app@127.0.0.1:2')];
    await Promise.all([first.hasFound('app@127.0.0.1:2'), second.hasFound('app@127.0.0.1:1')]);
  });

  it('says that no interface is up when there is none at all', async () => {
    host.ip('link', 'set', 'lo', 'down');
    const { failed } = await serve('app@127.0.0.1:1').message((message) => message.failed);
    expect(failed).toMatchObject({ code: 'PROVIDER_FAILED' });
    expect(failed!.message).toMatch(/no IPv4 interface is up/);
  });
});
