import {
  createSecureContext,
  type ConnectionOptions,
  type SecureContextOptions,
  type TlsOptions,
  type TLSSocket,
} from 'node:tls';
import { describeError, PeerageError } from '../../../errors/peerage-error.js';
import type { PeerageTlsOptions, Security } from '../../../peerage.options.js';
import { secretFingerprint } from '../../../naming/secret-name.js';
import { chooseKey, preSharedKey } from './psk.js';

/**
 * Said explicitly: suites with SHA-384 fail with a pre-shared key, and left alone Node picks ChaCha20, a third
 * slower.
 */
const PSK_SUITE = 'TLS_AES_128_GCM_SHA256';
const SUITES = `${PSK_SUITE}:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256`;
const VERSION = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

/** How one transport protects its connections: the same answer for every connection, made once. */
export interface TlsMode {
  readonly kind: 'secret' | 'tls';
  /** Fingerprints of the secrets, the first one first. */
  readonly secrets: readonly string[];
  /**
   * For dials, one a secret, the first one first. Shared by every dialled connection: a context of its own would
   * cost each one 0.7 ms.
   */
  readonly clients: readonly ConnectionOptions[];
  /** Options of the one server. `refuse` hears why the key of a dialer was not accepted. */
  server(refuse: (socket: TLSSocket, error: PeerageError) => void): TlsOptions;
  /** Whether a connection whose handshake succeeded proves what it has to. */
  isAuthenticated(socket: TLSSocket): boolean;
}

/** @throws PeerageError `INVALID_OPTIONS` when the certificates cannot be used. */
export function createTlsMode(security: Exclude<Security, { kind: 'none' }>, cluster: string): TlsMode {
  return security.kind === 'secret' ? secretMode(security.secrets, cluster) : certificateMode(security.tls);
}

function secretMode(secrets: readonly string[], cluster: string): TlsMode {
  const keys = secrets.map((secret) => preSharedKey(secret, cluster));
  // A client with a key silently accepts a server that shows a certificate its CAs trust. So it has none.
  const secureContext = createSecureContext({ ...VERSION, ciphers: PSK_SUITE, ca: [] });
  return {
    kind: 'secret',
    secrets: secrets.map(secretFingerprint),
    clients: keys.map(({ key, identity }) => ({
      secureContext,
      rejectUnauthorized: true,
      pskCallback: () => ({ psk: key, identity }),
      checkServerIdentity: () => undefined,
    })),
    server: (refuse) => ({
      ...VERSION,
      ciphers: PSK_SUITE,
      pskCallback: (socket, identity) => {
        const chosen = chooseKey(keys, identity);
        if (!(chosen instanceof PeerageError)) return chosen.key;
        refuse(socket, chosen);
        return null;
      },
    }),
    // "Reused" is what a handshake with a pre-shared key calls itself. No session is ever offered, so nothing
    // but the key can have led to it.
    isAuthenticated: (socket) => socket.isSessionReused() && !hasPeerCertificate(socket),
  };
}

function certificateMode(tls: PeerageTlsOptions): TlsMode {
  const options: SecureContextOptions = { ...VERSION, ...tls, ciphers: SUITES };
  return {
    kind: 'tls',
    secrets: [],
    clients: [
      {
        secureContext: contextOf(options),
        rejectUnauthorized: true,
        // Nodes are dialled by address, at addresses that come and go. This is safe because `ca` is the only
        // authority trusted here and it signs nothing but this cluster's nodes: any of its certificates is a
        // node's. Who exactly answers is told in the handshake above.
        checkServerIdentity: () => undefined,
      },
    ],
    server: () => ({ ...options, requestCert: true, rejectUnauthorized: true }),
    isAuthenticated: (socket) => socket.authorized && hasPeerCertificate(socket),
  };
}

function contextOf(options: SecureContextOptions): ReturnType<typeof createSecureContext> {
  try {
    return createSecureContext(options);
  } catch (error) {
    throw new PeerageError(
      'INVALID_OPTIONS',
      `The tls option cannot be used: ${describeError(error)}. ca, cert and key are PEM; key belongs to cert.`,
      { cause: error },
    );
  }
}

function hasPeerCertificate(socket: TLSSocket): boolean {
  // An empty object, or null once the socket is destroyed.
  return Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
}
