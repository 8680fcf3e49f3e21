import { createSecureContext } from 'node:tls';
import { describeError } from '../errors/peerage-error.js';
import type { PeerageModuleOptions, PeerageTlsOptions, Security } from '../peerage.options.js';
import { MIN_SECRET_BYTES } from '../peerage.options.js';
import type { Check } from './checks.js';
import { objectOf, required } from './checks.js';
import type { Faults } from './faults.js';
import { isPlaceholder } from '../naming/unexpanded.js';
import { isLoopback } from '../naming/hosts.js';
import { certificatesProblem, privateKeyProblem } from './pem.js';

/** One secret, or several of them. Secrets are never shown. */
export const checkSecret: Check = (value, path, faults) => {
  const secrets: unknown[] = Array.isArray(value) ? value : [value];
  if (secrets.length === 0) faults.add(path, 'is an empty list; give a secret, or leave the option out.');
  secrets.forEach((secret, i) => {
    const problem = secretProblem(secret);
    if (problem) faults.add(Array.isArray(value) ? `${path}[${i}]` : path, problem);
  });
};

/** Certificates and key, each by itself, and whether they fit together. */
export const checkTls: Check = (value, path, faults) => {
  shapeOfTls(value, path, faults);
  if (faults.has(path)) return;
  const tls = value as PeerageTlsOptions;
  for (const part of ['ca', 'cert'] as const) {
    const problem = certificatesProblem(tls[part]);
    if (problem) faults.add(`${path}.${part}`, problem);
  }
  if (typeof tls.key === 'string' || tls.key instanceof Uint8Array) {
    const wrong = privateKeyProblem(tls.key, tls.passphrase);
    if (wrong) faults.add(`${path}.${wrong.of}`, wrong.problem);
  }
  if (faults.has(path)) return;
  try {
    createSecureContext(tls);
  } catch (error) {
    faults.add(path, `these certificates and this key cannot be used: ${describeError(error)}.`);
  }
};

/** Adds what contradicts itself, or would be open to strangers without anyone having said so. */
export function checkProtection(options: PeerageModuleOptions, faults: Faults): void {
  const { secret, tls, insecure, bind } = options;
  const isProtected = secret !== undefined || tls !== undefined;
  if (secret !== undefined && tls !== undefined)
    faults.add('tls', 'is given beside secret; remove one of the two.');
  if (insecure === true && isProtected)
    faults.add('insecure', `asks for plaintext beside ${tls ? 'tls' : 'secret'}; remove one of the two.`);
  if (bind !== undefined && !isProtected && insecure !== true && !faults.has('bind') && !isLoopback(bind))
    faults.add(
      'bind',
      `other machines could join at ${bind} without being asked who they are; give secret (or tls). ` +
        'If plaintext is what you want, say insecure: true.',
    );
}

/** How connections are protected, by checked options. */
export function securityOf({ secret, tls }: PeerageModuleOptions): Security {
  if (secret !== undefined)
    return { kind: 'secret', secrets: typeof secret === 'string' ? [secret] : [...secret] };
  if (tls !== undefined) return { kind: 'tls', tls };
  return { kind: 'none' };
}

function secretProblem(secret: unknown): string | undefined {
  if (secret === undefined) return 'is undefined; is the variable set that it comes from?';
  if (typeof secret !== 'string') return 'a secret is a string.';
  if (isPlaceholder(secret))
    return `was not expanded by whoever sets it: it is ${secret}, which anybody can guess.`;
  if (!/\S/.test(secret)) return 'is blank; give one such as "openssl rand -base64 32" prints.';
  const bytes = Buffer.byteLength(secret);
  if (bytes < MIN_SECRET_BYTES)
    return `is ${bytes} bytes long; at least ${MIN_SECRET_BYTES} are needed, such as "openssl rand -base64 32" prints.`;
  return undefined;
}

const pem: Check = (value, path, faults) => {
  const parts: unknown[] = Array.isArray(value) ? value : [value];
  const isPem = (part: unknown) => typeof part === 'string' || part instanceof Uint8Array;
  const isKeyObject = (part: unknown) => typeof part === 'object' && part !== null && 'pem' in part;
  if (parts.length === 0 || !parts.every((part) => isPem(part) || isKeyObject(part)))
    faults.add(path, 'give PEM text or a buffer (the content of the file, not its path).');
};

const passphrase: Check = (value, path, faults) => {
  if (typeof value !== 'string') faults.add(path, 'a passphrase is a string.');
};

const shapeOfTls = required(objectOf({ ca: pem, cert: pem, key: pem, passphrase, crl: pem }), [
  'ca',
  'cert',
  'key',
]);
