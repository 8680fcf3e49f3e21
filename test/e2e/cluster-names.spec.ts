import { afterEach, describe, expect, it } from 'vitest';
import {
  Cluster,
  connectionsBetween,
  freePorts,
  fullMesh,
  nameOn,
  onLoopback,
} from '../support/processes/cluster.js';
import { TcpProxy } from '../support/mesh/tcp-proxy.js';

const cluster = new Cluster();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  await cluster.stop();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('two clusters on one host', () => {
  it('with one source of names stay apart, and say why', async () => {
    const ports = await freePorts(4);
    const via = [{ list: ports.map((port) => nameOn(port)) }];
    const start = (port: number, label: string) => cluster.start(onLoopback(port, { cluster: label, via }));
    const [a = 0, b = 0, c = 0, d = 0] = ports;
    const red = [await start(a, 'red'), await start(b, 'red')];
    const blue = [await start(c, 'blue'), await start(d, 'blue')];
    await Promise.all([fullMesh(red), fullMesh(blue)]);
    for (const node of [...red, ...blue]) {
      await node.event('peer.refused', ({ code }) => code === 'WRONG_CLUSTER' || code === 'WRONG_SECRET');
      expect(await node.run('peers')).toHaveLength(1);
    }
    // A dialer of another label cannot tell it from another secret; the door can.
    const doors = [...red, ...blue].flatMap((node) => node.ofType('peer.refused'));
    expect(doors.some(({ code, direction }) => code === 'WRONG_CLUSTER' && direction === 'inbound')).toBe(
      true,
    );
    expect([...connectionsBetween([...red, ...blue]).keys()].toSorted()).toEqual(['0-1', '2-3']);
  });
});

describe('a node behind a port mapping', () => {
  it('is dialled at its name, by who found it and by who was told of it', async () => {
    const [inside = 0, outside = 0, a = 0, b = 0] = await freePorts(4);
    const proxy = await TcpProxy.open(outside, inside);
    cleanups.push(() => proxy.close());
    const name = `app@localhost:${outside}`;
    const mapped = await cluster.start(onLoopback(inside, { name }));
    expect(mapped.name).toBe(name);
    const finder = await cluster.start(onLoopback(a, { via: [{ list: [name] }] }));
    await fullMesh([mapped, finder]);
    const told = await cluster.start(onLoopback(b, { via: [{ list: [nameOn(a)] }] }));
    await fullMesh([mapped, finder, told]);
    const [peer] = (await told.run('peers')).filter(({ bootId }) => bootId === mapped.bootId);
    expect(peer).toMatchObject({ name, host: 'localhost', port: outside });
    const { listening, self } = await mapped.run('explain');
    expect(listening).toEqual({ host: '127.0.0.1', port: inside });
    expect(self).toMatchObject({ host: 'localhost', port: outside });
    // Its real address leads to it, too: that is no second peer.
    expect(await finder.run('connect', nameOn(inside))).toMatchObject({ name, bootId: mapped.bootId });
    expect(await finder.run('peers')).toHaveLength(2);
    await mapped.terminate();
    expect((await finder.event('peer.down')).reason).toBe('left');
  });
});

describe('two nodes that were given one name', () => {
  it('are no peers when one reaches the other by a third address, and both say so', async () => {
    const [a = 0, b = 0, third = 0, told = 0] = await freePorts(4);
    const proxy = await TcpProxy.open(third, a);
    cleanups.push(() => proxy.close());
    const name = nameOn(told);
    const one = await cluster.start(onLoopback(a, { name }));
    const other = await cluster.start(onLoopback(b, { name, via: [{ list: [nameOn(third)] }] }));
    expect([one.name, other.name]).toEqual([name, name]);
    for (const node of [one, other]) {
      const { message } = await node.event('peer.refused', ({ code }) => code === 'NAME_TAKEN');
      expect(message).toContain(`${name} is the name of another live node`);
      expect(await node.run('peers')).toEqual([]);
      expect(node.ofType('peer.up')).toEqual([]);
    }
  });
});
