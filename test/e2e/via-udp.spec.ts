import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TakesAnnouncementKeys } from '../../lib/via/udp/announcement.js';
import { ANNOUNCEMENT_KEYS, encodeAnnouncement } from '../../lib/via/udp/announcement.js';
import type { PeerageProvider } from '../../lib/via/provider.js';
import { viaUdp } from '../../lib/via/udp/via-udp.js';
import { freeUdpPort, GROUP, Stranger } from '../support/providers/udp.js';
import { ViaProcess } from '../support/providers/via-process.js';

/** Well below the 3 s after which every node announces itself again anyway. */
const AT_ONCE_MS = 2_000;

let port: number;
const running: Node[] = [];
const strangers: Stranger[] = [];
const processes: ViaProcess[] = [];

beforeEach(async () => {
  port = await freeUdpPort();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()));
  await Promise.all(processes.splice(0).map((child) => child.kill()));
  for (const one of strangers.splice(0)) one.leave();
});

/** A provider that serves in this process. */
class Node {
  readonly found: string[] = [];
  readonly provider: PeerageProvider & Partial<TakesAnnouncementKeys>;
  readonly serving: Promise<void>;
  private readonly aborter = new AbortController();

  constructor(
    readonly name: string,
    keys: Buffer[] = [],
    options = {},
  ) {
    this.provider = viaUdp({ port, multicastAddr: GROUP, ip: '127.0.0.1', ...options });
    this.provider[ANNOUNCEMENT_KEYS]?.(keys);
    const found = (names: Iterable<string>) => void this.found.push(...names);
    this.serving = this.provider.serve!({ ...this.context, found });
    this.serving.catch(() => {});
    running.push(this);
  }

  get context() {
    const self = { name: this.name, host: '127.0.0.1', port: 1, bootId: '', meta: {} };
    return { self, signal: this.aborter.signal };
  }

  async poll(): Promise<string[]> {
    return [...(await this.provider.poll(this.context))];
  }

  async hasFound(name: string, timeout = AT_ONCE_MS): Promise<void> {
    await vi.waitFor(() => expect(this.found).toContain(name), { timeout, interval: 5 });
  }

  async stop(): Promise<void> {
    this.aborter.abort();
    await this.serving.catch(() => {});
  }
}

async function stranger(): Promise<Stranger> {
  const joined = await Stranger.join(port);
  strangers.push(joined);
  return joined;
}

describe('two nodes on one port', () => {
  it('find each other at once, whoever comes first', async () => {
    const first = new Node('a@127.0.0.1:1001');
    await sleep(500);
    const second = new Node('b@127.0.0.1:1002');
    await Promise.all([first.hasFound(second.name), second.hasFound(first.name)]);
    expect(await first.poll()).toEqual([second.name]);
    expect(await second.poll()).toEqual([first.name]);
  });

  it('find each other by broadcast too', async () => {
    const first = new Node('a@127.0.0.1:1001', [], { broadcast: true });
    await sleep(200);
    const second = new Node('b@127.0.0.1:1002', [], { broadcast: true });
    await Promise.all([first.hasFound(second.name), second.hasFound(first.name)]);
  });

  it('in processes of their own find each other', async () => {
    const url = `udp://${GROUP}:${port}?ip=127.0.0.1`;
    const first = new ViaProcess(url, 'a@127.0.0.1:1001', 'serve');
    processes.push(first);
    await first.message(({ ready }) => ready);
    const second = new ViaProcess(url, 'b@127.0.0.1:1002', 'serve');
    processes.push(second);
    await Promise.all([first.hasFound('b@127.0.0.1:1002'), second.hasFound('a@127.0.0.1:1001')]);
    await Promise.all([first.end(), second.end()]);
    expect(first.messages.at(-1)).toEqual({ ended: true });
  });

  it('are not found by nodes of another group on the same port', async () => {
    const [first, second] = [new Node('a@127.0.0.1:1001'), new Node('b@127.0.0.1:1002')];
    const other = new Node('c@127.0.0.1:1003', [], { multicastAddr: '239.255.77.2' });
    await Promise.all([first.hasFound(second.name), second.hasFound(first.name)]);
    expect(other.found).toEqual([]);
    expect(first.found).toEqual([second.name]);
  });
});

describe('a node', () => {
  it('sends what the Elixir library sends, and hears it', async () => {
    const elixir = await stranger();
    const node = new Node('a@127.0.0.1:1001');
    await vi.waitFor(() => expect(elixir.seen).toEqual(['Peer:a@127.0.0.1:1001']));
    await elixir.send('Peer:elixir@127.0.0.1');
    await node.hasFound('elixir@127.0.0.1');
  });

  it('does not find itself', async () => {
    const [node, witness] = [new Node('a@127.0.0.1:1001'), new Node('b@127.0.0.1:1002')];
    await witness.hasFound(node.name);
    await node.hasFound(witness.name);
    expect(node.found).not.toContain(node.name);
    expect(await node.poll()).not.toContain(node.name);
  });

  it('is unharmed by malformed datagrams', async () => {
    const attacker = await stranger();
    const node = new Node('a@127.0.0.1:1001');
    const nonsense = [
      '',
      'Peer:',
      'noat',
      'Peer:noat',
      'Peer:a@b@c',
      'Peer:a@b\nPeer:c@d',
      `Peer:${'x'.repeat(300)}@b`,
      `Peer:${'x'.repeat(60_000)}`,
      Buffer.from([0x50, 0x65, 0x65, 0x72, 0x3a, 0xff, 0xfe, 0x40, 0x62]),
      '\0'.repeat(1_000),
    ];
    for (const datagram of nonsense) await attacker.send(datagram);
    await attacker.send('Peer:good@127.0.0.1');
    await node.hasFound('good@127.0.0.1');
    expect(node.found).toEqual(['good@127.0.0.1']);
  });

  it.each([10, 200, 1_000])('takes a burst of %i announcements', async (count) => {
    const crowd = await stranger();
    const node = new Node('a@127.0.0.1:1001');
    await vi.waitFor(() => expect(crowd.seen).toHaveLength(1));
    const names = Array.from({ length: count }, (_, i) => `n${i}@10.0.${i >> 8}.${i & 255}`);
    // As nodes do, they say it again: what a full buffer dropped the first time is heard then.
    await vi.waitFor(
      async () => {
        await Promise.all(names.map((name) => crowd.send(`Peer:${name}`)));
        await sleep(300);
        expect(new Set(node.found).size).toBe(count);
      },
      { timeout: 30_000 },
    );
    expect(await node.poll()).toHaveLength(count);
  });

  it('ends when its signal aborts, and its port is free', async () => {
    const node = new Node('a@127.0.0.1:1001');
    const witness = await stranger();
    await vi.waitFor(() => expect(witness.seen).not.toEqual([]), { timeout: 10_000 });
    witness.leave();
    strangers.length = 0;
    await node.stop();
    await expect(node.serving).resolves.toBeUndefined();
    const alone = createSocket('udp4').bind(port, GROUP);
    await once(alone, 'listening');
    alone.close();
  });
});

describe('a flood of 10,000 forged names at 3,000 a second', () => {
  it('neither removes good peers, keeps newcomers out, fills memory, nor is answered with a flood', async () => {
    const attacker = await stranger();
    const [first, second] = [new Node('a@127.0.0.1:1001'), new Node('b@127.0.0.1:1002')];
    await Promise.all([first.hasFound(second.name), second.hasFound(first.name)]);
    const startedAt = performance.now();
    let late: Node | undefined;
    for (let sent = 0; sent < 10_000; sent += 30) {
      await Promise.all(
        Array.from({ length: 30 }, (_, i) => attacker.send(`Peer:f${sent + i}@10.6.${sent >> 8}.${i}`)),
      );
      if (sent === 3_000) late = new Node('late@127.0.0.1:1003');
      await sleep(Math.max(0, startedAt + sent / 3 - performance.now()));
    }
    await Promise.all([first.hasFound('late@127.0.0.1:1003'), second.hasFound('late@127.0.0.1:1003')]);
    await Promise.all([late!.hasFound(first.name), late!.hasFound(second.name)]);
    const elapsedMs = performance.now() - startedAt;

    for (const node of [first, second, late!]) {
      const names = await node.poll();
      expect(names.length).toBeLessThanOrEqual(1_024);
      expect(names).toEqual(expect.arrayContaining(others(node).map(({ name }) => name)));
    }
    const answers = attacker.seen.filter((datagram) => datagram.includes('127.0.0.1')).length;
    expect(answers).toBeLessThanOrEqual(3 * (3 + elapsedMs / 200));
  });

  const others = (node: Node) => running.filter((other) => other !== node);
});

describe('with a secret', () => {
  const [key, oldKey, wrongKey] = ['k', 'o', 'w'].map((letter) => Buffer.alloc(32, letter)) as [
    Buffer,
    Buffer,
    Buffer,
  ];

  it('nodes find each other, while a rotation is under way too', async () => {
    const first = new Node('a@127.0.0.1:1001', [key, oldKey]);
    const second = new Node('b@127.0.0.1:1002', [oldKey, key]);
    await Promise.all([first.hasFound(second.name), second.hasFound(first.name)]);
  });

  it('unsigned and wrongly signed announcements are ignored', async () => {
    const attacker = await stranger();
    const node = new Node('a@127.0.0.1:1001', [key]);
    await vi.waitFor(() => expect(attacker.seen).toHaveLength(1));
    await attacker.send('Peer:unsigned@10.0.0.1');
    await attacker.send(encodeAnnouncement('wrong@10.0.0.1', wrongKey));
    await attacker.send(encodeAnnouncement('right@10.0.0.1', key));
    await node.hasFound('right@10.0.0.1');
    expect(node.found).toEqual(['right@10.0.0.1']);
  });
});

describe('a node that cannot hear', () => {
  it('rejects, and says on which address', async () => {
    const node = new Node('a@127.0.0.1:1001', [], { ip: '192.0.2.77' });
    await expect(node.serving).rejects.toMatchObject({
      code: 'PROVIDER_FAILED',
      message: expect.stringContaining(`${GROUP}:${port}`),
    });
    expect(await node.poll()).toEqual([]);
  });

  it('rejects when another program holds the port for itself', async () => {
    const holder = createSocket('udp4').bind(port, '0.0.0.0');
    await once(holder, 'listening');
    try {
      const node = new Node('a@127.0.0.1:1001');
      await expect(node.serving).rejects.toMatchObject({
        code: 'PROVIDER_FAILED',
        cause: { code: 'EADDRINUSE' },
      });
    } finally {
      holder.close();
    }
  });
});
