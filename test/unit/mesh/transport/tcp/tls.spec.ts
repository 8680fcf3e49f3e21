import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../../../lib/errors/peerage-error.js';
import { chooseKey, deriveKey, preSharedKey } from '../../../../../lib/mesh/transport/tcp/psk.js';
import { secretFingerprint } from '../../../../../lib/naming/secret-name.js';
import { createTlsMode } from '../../../../../lib/mesh/transport/tcp/tls.js';

const OLD = 'the secret of last year, long';
const NEW = 'the secret of this year, long';

describe('a pre-shared key', () => {
  it('differs by secret and by cluster label', () => {
    const keys = [preSharedKey(OLD, 'a'), preSharedKey(OLD, 'b'), preSharedKey(NEW, 'a')];
    expect(new Set(keys.map(({ key }) => key.toString('hex'))).size).toBe(3);
    expect(new Set(keys.map(({ identity }) => identity)).size).toBe(3);
    expect(preSharedKey(OLD, 'a')).toEqual(keys[0]);
  });

  it('is one that every release derives alike: nodes of two versions must agree', () => {
    const { identity, key } = preSharedKey('0123456789abcdef', 'shop');
    expect({ identity, key: key.toString('hex') }).toMatchInlineSnapshot(`
      {
        "identity": "peerage1.FdX4XrNvObc.kZUK0V6mdXs",
        "key": "b26838c0f70173120a9291d4f64bc36a596208e5cd664c789f0eeb87d84c26ea",
      }
    `);
  });

  it('tells nothing of secret and label in its identity', () => {
    const { identity, key } = preSharedKey('0123456789abcdef', 'shop');
    expect(identity).toMatch(/^peerage1\.[\w-]{11}\.[\w-]{11}$/);
    expect(identity).not.toContain('shop');
    expect(key.toString('base64url')).not.toContain(identity.split('.')[2]);
  });

  it('has nothing to do with keys for other purposes', () => {
    expect(deriveKey(OLD, 'one')).not.toEqual(deriveKey(OLD, 'two'));
    expect(deriveKey(OLD, 'one', 16)).toHaveLength(16);
  });
});

describe('chooseKey', () => {
  const keys = [preSharedKey(NEW, 'a'), preSharedKey(OLD, 'a')];
  const codeFor = (identity: string) => {
    const chosen = chooseKey(keys, identity);
    return chosen instanceof PeerageError ? chosen.code : chosen;
  };

  it('finds the key of any secret that is known', () => {
    expect(codeFor(preSharedKey(OLD, 'a').identity)).toBe(keys[1]);
    expect(codeFor(preSharedKey(NEW, 'a').identity)).toBe(keys[0]);
  });

  it('tells another label from another secret, and both from no peerage node', () => {
    expect(codeFor(preSharedKey(OLD, 'b').identity)).toBe('WRONG_CLUSTER');
    const other = preSharedKey('some other secret', 'a').identity;
    expect(codeFor(other)).toBe('WRONG_SECRET');
    const fingerprints = ['some other secret', NEW, OLD].map(secretFingerprint);
    expect(new Set(fingerprints).size).toBe(3);
    expect((chooseKey(keys, other) as Error).message).toContain(
      `The caller has the secret ${fingerprints[0]}, this node ${fingerprints[1]} and ${fingerprints[2]} (fingerprints)`,
    );
    for (const identity of ['', 'Client_identity', 'peerage2.a.b', 'peerage1.a']) {
      expect(codeFor(identity)).toBe('NOT_PEERAGE');
    }
  });
});

describe('createTlsMode', () => {
  it('says so when certificates cannot be used', () => {
    const tls = { ca: 'no pem', cert: 'no pem', key: 'no pem' };
    expect(() => createTlsMode({ kind: 'tls', tls }, '')).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS' }),
    );
  });

  it('takes nothing but the key as a proof, and no certificate beside it', () => {
    const mode = createTlsMode({ kind: 'secret', secrets: [NEW] }, 'a');
    const socket = (isReused: boolean, certificate: object | null) =>
      ({ isSessionReused: () => isReused, getPeerCertificate: () => certificate, authorized: true }) as never;
    const someone = { subject: { CN: 'someone' } };
    expect(mode.isAuthenticated(socket(true, {}))).toBe(true);
    expect(mode.isAuthenticated(socket(true, null))).toBe(true);
    expect(mode.isAuthenticated(socket(false, {}))).toBe(false);
    expect(mode.isAuthenticated(socket(false, someone))).toBe(false);
    expect(mode.isAuthenticated(socket(true, someone))).toBe(false);
  });

  it('gives a node with a secret neither a certificate nor an authority to trust', () => {
    const mode = createTlsMode({ kind: 'secret', secrets: [NEW, OLD] }, 'a');
    const server = mode.server(() => undefined);
    expect(server).not.toHaveProperty('cert');
    expect(server).not.toHaveProperty('requestCert');
    expect(mode.clients).toMatchObject([{ rejectUnauthorized: true }, { rejectUnauthorized: true }]);
    expect(mode.clients.map(({ pskCallback }) => pskCallback?.(null))).toMatchObject(
      [NEW, OLD].map((secret) => ({ identity: preSharedKey(secret, 'a').identity })),
    );
  });
});
