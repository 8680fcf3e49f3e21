import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeFrame } from '../../lib/wire/frame-writer.js';
import { RecordedAcceptor } from '../support/mesh/recorded-link.js';
import { dialFailure, dialTcp, LOOPBACK, tcpNode, tcpTransport } from '../support/mesh/tcp-node.js';

const hasIPv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

const run = promisify(execFile);
const pathTo = (file: string) => fileURLToPath(new URL(`../support/${file}`, import.meta.url));
const child = (part: string) => [
  process.execPath,
  pathTo('run-ts.mjs'),
  pathTo('mesh/transport-child.ts'),
  part,
];

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it resolved'),
    (error: unknown) => error as { code: string; message: string; cause?: { code?: string } },
  );

const listenFailure = (wish: Parameters<typeof tcpTransport>[0]) =>
  failureOf(tcpTransport(wish).listen(new RecordedAcceptor()));

describe('a listener', () => {
  it.runIf(hasIPv6)('listens on IPv4 and IPv6 when it is not bound', async () => {
    const door = new RecordedAcceptor();
    const everywhere = tcpTransport({ bind: undefined as never });
    const { host, port } = await everywhere.listen(door);
    expect(host).toBe('::');
    for (const address of [LOOPBACK, '::1', 'localhost'])
      (await dialTcp(port, {}, address)).link.send(1, address);
    const links = [await door.link(0), await door.link(1), await door.link(2)];
    await Promise.all(links.map((link) => link.received(1)));
    expect(links[0]!.link.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(links[1]!.link.remoteAddress).toMatch(/^\[::1\]:\d+$/);
  });

  it('is where it was bound to, and nowhere else', async () => {
    const { host, port } = await tcpNode({ bind: '127.0.0.2' }).catch(() => ({ host: '', port: 0 }));
    if (port === 0) return;
    expect(host).toBe('127.0.0.2');
    expect((await dialFailure(port)).code).toBe('CONNECTION_REFUSED');
  });

  it('says what to do about a port in use, whoever has it', async () => {
    const other = createServer().listen(0, LOOPBACK);
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const error = await listenFailure({ port, portIsFixed: true });
    expect(error.code).toBe('PORT_IN_USE');
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.message).toContain('PEERAGE_PORT');
    expect(error.cause?.code).toBe('EADDRINUSE');
    expect((await tcpNode({ port })).port).not.toBe(port);
  });

  it('says that an address is none of this host', async () => {
    const error = await listenFailure({ bind: '192.0.2.1' });
    expect(error.code).toBe('CANNOT_LISTEN');
    expect(error.message).toContain('no address of this host');
    expect((await listenFailure({ bind: 'no-such-host.invalid' })).code).toBe('CANNOT_LISTEN');
  });

  it('does not share its port with other workers of a cluster: each is a node of its own', async () => {
    const [node = '', ...args] = child('cluster');
    const { stdout } = await run(node, args);
    expect(JSON.parse(stdout)).toEqual(['listens', 'PORT_IN_USE']);
  });

  it.runIf(process.platform === 'linux')(
    'survives that its process runs out of file descriptors',
    async () => {
      const { stdout } = await run('sh', ['-c', 'ulimit -n 256 && exec "$@"', 'sh', ...child('descriptors')]);
      expect(JSON.parse(stdout)).toBe('accepted');
    },
  );

  it('takes callers again after one could not be taken', async () => {
    const { door, port, transport } = await tcpNode();
    const { server } = (transport as unknown as { listener: { server: Server } }).listener;
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    const { address, code, message } = await door.refusal();
    expect({ address, code }).toEqual({ address: `127.0.0.1:${port}`, code: 'CANNOT_LISTEN' });
    expect(message).toContain('ulimit -n');
    await dialTcp(port);
    await door.link();
  });

  it('closes in bounded time although the other side never hangs up', async () => {
    const { door, port, transport } = await tcpNode({ security: { kind: 'none' } });
    const frozen = connect({ port, host: LOOPBACK, allowHalfOpen: true }).on('error', () => undefined);
    onTestFinished(() => void frozen.destroy());
    frozen.write(encodeFrame(1, 'hello', 1000));
    const far = await door.link();
    await far.received(1);
    far.link.established();
    for (let i = 0; i < 10; i++) far.link.send(1, Buffer.alloc(1_000_000));
    await transport.close();
    expect(await far.closed).toEqual({ code: 'EOF', error: undefined });
  });

  it('does not open when it was closed in the meantime', async () => {
    const transport = tcpTransport();
    const listening = failureOf(transport.listen(new RecordedAcceptor()));
    await transport.close();
    expect((await listening).code).toBe('NOT_RUNNING');
  });
});

describe('a dial', () => {
  it('finds hosts by name', async () => {
    const { port, door } = await tcpNode();
    await dialTcp(port, {}, 'localhost');
    await door.link();
  });

  it('says that a name has no address', async () => {
    const error = await dialFailure(4370, {}, 'no-such-host.invalid');
    expect(error.code).toBe('HOST_NOT_FOUND');
    expect(error.message).toContain('no-such-host.invalid:4370');
  });

  it('says that nobody listens, in the same words for a host with several addresses', async () => {
    const { port, transport } = await tcpNode();
    await transport.close();
    for (const host of [LOOPBACK, 'localhost']) {
      const error = await dialFailure(port, {}, host);
      expect(error.code).toBe('CONNECTION_REFUSED');
      expect(error.message).toContain('ECONNREFUSED');
    }
  });

  it('says that a network cannot be reached', async () => {
    expect((await dialFailure(4370, {}, '255.255.255.255')).code).toBe('UNREACHABLE');
  });
});
