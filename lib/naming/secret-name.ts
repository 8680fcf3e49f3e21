import { hkdfSync } from 'node:crypto';

const ID_BYTES = 8;
const SHOWN_BYTES = 3;

/** What stands for a secret where everybody may read it: derived from it, and no way back. */
export function secretId(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'peerage1 secret id', ID_BYTES));
}

/**
 * Six characters by which people compare secrets without showing them. They are too few to check guesses of a secret
 * against: one guess in 16 million fits by chance.
 */
export function secretFingerprint(secret: string): string {
  return fingerprintOf(secretId(secret));
}

/** The fingerprint of the secret that this is the id of. */
export function fingerprintOf(id: Uint8Array): string {
  return Buffer.from(id.subarray(0, SHOWN_BYTES)).toString('hex');
}
