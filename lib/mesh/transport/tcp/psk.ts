import { hkdfSync } from 'node:crypto';
import { PeerageError } from '../../../errors/peerage-error.js';
import { fingerprintOf, secretId } from '../../../naming/secret-name.js';

const KEY_BYTES = 32;
const ID_BYTES = 8;
const PREFIX = 'peerage1';

/**
 * A key for one purpose, made of a cluster secret (HKDF-SHA256). Keys of different purposes tell nothing about
 * each other or the secret, as long as the secret is a random one.
 */
export function deriveKey(secret: string, purpose: string, bytes = KEY_BYTES): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `${PREFIX} ${purpose}`, bytes));
}

/** A pre-shared key as TLS takes it. The identity travels in the clear, so it only holds derived values. */
export interface PreSharedKey {
  /** `peerage1.<label>.<secret>`, both as short derived ids. */
  readonly identity: string;
  readonly key: Buffer;
}

/** The key of one secret in one cluster: another label gives another key. */
export function preSharedKey(secret: string, cluster: string): PreSharedKey {
  return {
    identity: `${PREFIX}.${id(secret, `label id ${cluster}`)}.${secretId(secret).toString('base64url')}`,
    key: deriveKey(secret, `psk ${cluster}`),
  };
}

/** Finds the key that the identity of a dialer names, or says why there is none. */
export function chooseKey(keys: readonly PreSharedKey[], identity: string): PreSharedKey | PeerageError {
  const known = keys.find((key) => key.identity === identity);
  if (known) return known;
  const parts = identity.split('.');
  if (parts[0] !== PREFIX || parts.length !== 3) {
    return new PeerageError(
      'NOT_PEERAGE',
      'A TLS client called with a pre-shared key that is not of peerage, or of a version unknown here.',
    );
  }
  const hasSameSecret = keys.some((key) => key.identity.split('.')[2] === parts[2]);
  if (!hasSameSecret) {
    return new PeerageError(
      'WRONG_SECRET',
      `The caller has the secret ${fingerprintIn(identity)}, this node ${keys.map((key) => fingerprintIn(key.identity)).join(' and ')} (fingerprints): set the same \`secret\` on every node. To change it without a stop, list the old and the new one.`,
    );
  }
  return new PeerageError(
    'WRONG_CLUSTER',
    'The caller has the same secret and another cluster label than this node: set the same `cluster` on nodes that belong together (it is the app name when left out).',
  );
}

/** What the secret is called for people that this identity was made of. */
function fingerprintIn(identity: string): string {
  return fingerprintOf(Buffer.from(identity.split('.')[2] ?? '', 'base64url'));
}

function id(secret: string, purpose: string): string {
  return deriveKey(secret, purpose, ID_BYTES).toString('base64url');
}
