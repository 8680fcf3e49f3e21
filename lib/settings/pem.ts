import { createPrivateKey, X509Certificate } from 'node:crypto';

/** What may stand between the lines of a certificate. */
const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.+?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/gs;

/**
 * What is wrong with PEM that should hold certificates. OpenSSL passes over what it does not understand among
 * authorities: then no peer is trusted, and nobody knows why.
 */
export function certificatesProblem(value: unknown): string | undefined {
  const blocks = textsOf(value).flatMap((text) => text.match(CERTIFICATE) ?? []);
  if (blocks.length === 0) return 'has no certificate (-----BEGIN CERTIFICATE-----).';
  return blocks.every(isCertificate) ? undefined : 'has a certificate that is damaged.';
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0;
  } catch {
    return false;
  }
}

/** What is wrong with PEM that should be one private key, and with its passphrase. Neither is shown. */
export function privateKeyProblem(key: string | Uint8Array, passphrase: unknown): KeyProblem | undefined {
  const [pem = ''] = textsOf(key);
  try {
    createPrivateKey({ key: pem, ...(typeof passphrase === 'string' && { passphrase }) });
    return undefined;
  } catch {
    // What OpenSSL says of a wrong passphrase is not always the same.
    if (!pem.includes('PRIVATE KEY-----') || !pem.includes('ENCRYPTED'))
      return { of: 'key', problem: 'has no private key (-----BEGIN PRIVATE KEY-----), or a damaged one.' };
    const problem = passphrase === undefined ? 'is missing: the key is encrypted.' : 'does not open the key.';
    return { of: 'passphrase', problem };
  }
}

export interface KeyProblem {
  readonly of: 'key' | 'passphrase';
  readonly problem: string;
}

function textsOf(value: unknown): string[] {
  const parts: unknown[] = Array.isArray(value) ? value : [value];
  return parts.map((part) =>
    part instanceof Uint8Array ? Buffer.from(part).toString('latin1') : String(part),
  );
}
