import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestAuthority, type Certificate } from '../support/mesh/certificates.js';
import { has } from '../support/requirements.mjs';
import { dialFailure, dialTcp, LOOPBACK, tcpNode, type TcpWish } from '../support/mesh/tcp-node.js';

const run = promisify(execFile);
const pathTo = (file: string) => fileURLToPath(new URL(`../support/${file}`, import.meta.url));

describe.runIf(has('openssl'))('links with certificates', () => {
  let ours: TestAuthority;
  let theirs: TestAuthority;

  beforeAll(() => {
    ours = new TestAuthority('ours');
    theirs = new TestAuthority('theirs');
  });

  afterAll(() => {
    ours.dispose();
    theirs.dispose();
  });

  const nodeOf = (ca: string, certificate: Certificate): TcpWish => ({
    security: { kind: 'tls', tls: { ca, ...certificate } },
  });
  const good = (name = 'node') => nodeOf(ours.ca, ours.issue(name));

  /** A TLS server that no node runs. */
  const serve = async (options: TlsOptions) => {
    const server = createServer(options, (socket) => void socket.on('error', () => undefined));
    server.on('tlsClientError', () => undefined);
    onTestFinished(() => void server.close());
    server.listen(0, LOOPBACK);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };

  it('are made between nodes of one authority, whatever the names in their certificates', async () => {
    const { port, door } = await tcpNode(good('a.example'));
    const near = await dialTcp(port, good('b.example'));
    near.link.send(1, 'hello');
    const far = await door.link();
    await far.received(1);
  });

  it("are refused by a dialer that does not know the listener's authority", async () => {
    const { port, door } = await tcpNode(nodeOf(theirs.ca, theirs.issue('stranger')));
    const error = await dialFailure(port, good());
    expect(error.code).toBe('NOT_AUTHENTICATED');
    expect(error.message).toContain("signed by the cluster's ca");
    expect((await door.refusal()).code).not.toBe('HANDSHAKE_TIMEOUT');
  });

  it.each([
    ['of another authority', () => theirs.issue('stranger')],
    ['for servers only', () => ours.issue('node', { usage: 'serverAuth' })],
    ['that has expired', () => ours.issue('node', { days: -1 })],
  ])('are refused by a listener that is shown a certificate %s', async (_, issue) => {
    const { port, door } = await tcpNode(good());
    const near = await dialTcp(port, nodeOf(ours.ca, issue()));
    near.link.send(1, 'hello');
    const { code, error } = await near.closed;
    expect(code).toBe('NOT_AUTHENTICATED');
    expect(error?.message).toContain('our certificate');
    const refusal = await door.refusal();
    expect(refusal.code).toBe('NOT_AUTHENTICATED');
    expect(refusal.message).toContain('Its certificate is not accepted');
    expect(door.links).toEqual([]);
  });

  it('are refused by a dialer that is shown a certificate for clients only', async () => {
    const { port } = await tcpNode(nodeOf(ours.ca, ours.issue('node', { usage: 'clientAuth' })));
    expect((await dialFailure(port, good())).code).toBe('NOT_AUTHENTICATED');
  });

  it('do not mix with secrets, and both sides say so', async () => {
    const secret = await tcpNode();
    expect((await dialFailure(secret.port, good())).code).toBe('NOT_AUTHENTICATED');
    expect((await secret.door.refusal()).message).toContain('with tls');

    const tls = await tcpNode(good());
    const error = await dialFailure(tls.port);
    expect(error.code).toBe('NOT_AUTHENTICATED');
    expect(error.message).toContain('uses tls instead');
    expect((await tls.door.refusal()).code).toMatch(/^(NOT_AUTHENTICATED|CONNECTION_LOST)$/);
  });

  it('do not mix with plaintext', async () => {
    const plaintext = await tcpNode({ security: { kind: 'none' } });
    expect((await dialFailure(plaintext.port, good())).code).toBe('SECURITY_MISMATCH');
    const tls = await tcpNode(good());
    const near = await dialTcp(tls.port, { security: { kind: 'none' } });
    near.link.send(1, 'hello');
    expect((await near.closed).code).toBe('SECURITY_MISMATCH');
  });

  it('are of TLS 1.3', async () => {
    const port = await serve({ ...ours.issue('old'), ca: ours.ca, requestCert: true, maxVersion: 'TLSv1.2' });
    expect((await dialFailure(port, good())).code).toBe('NOT_AUTHENTICATED');
  });

  it('are not made by a node with a secret, not even with a server that the whole system trusts', async () => {
    const port = await serve({ ...theirs.issue('localhost'), host: LOOPBACK } as TlsOptions);
    const { stdout } = await run(
      process.execPath,
      [pathTo('run-ts.mjs'), pathTo('mesh/transport-child.ts'), 'impostor', String(port)],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: theirs.caFile } },
    );
    expect(JSON.parse(stdout)).toEqual({
      careless: 'accepted',
      handshake: 'refused',
      ours: 'NOT_AUTHENTICATED',
    });
  });

  it('are not made by a node with a secret when the impostor asks for a certificate too', async () => {
    const port = await serve({ ...theirs.issue('localhost'), requestCert: true, rejectUnauthorized: false });
    expect((await dialFailure(port)).code).toBe('NOT_AUTHENTICATED');
  });
});
