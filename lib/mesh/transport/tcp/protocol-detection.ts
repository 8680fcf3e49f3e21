import { PeerageError } from '../../../errors/peerage-error.js';
import { HEADER_BYTES } from '../../../wire/frame-writer.js';

/** How many bytes are needed to tell who is calling. */
export const FIRST_BYTES = HEADER_BYTES;

/**
 * The TLS alert `insufficient_security`. Both sides of a security mismatch understand it: a TLS client reports
 * it by name, and a node that speaks plaintext recognises a TLS record.
 */
export const MISMATCH_ALERT = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 71]);
/** How OpenSSL names that alert at the other side. */
export const MISMATCH_ALERT_CODE = 'ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY';

const HTTP = /^(GET |HEAD |POST|PUT |DELE|OPTI|PATC|CONN|TRAC|PRI |HTTP)/;

/** Why bytes that open a plaintext connection are not those of a node that speaks plaintext. */
export function detectOnPlaintext(first: Buffer, maxBytes: number): PeerageError | undefined {
  if (looksLikeTls(first)) {
    return new PeerageError(
      'SECURITY_MISMATCH',
      'The other side speaks TLS and this node speaks plaintext: give both the same secret (or tls), or neither.',
    );
  }
  return looksLikeFrame(first, maxBytes) ? undefined : notPeerage(first);
}

/** Why bytes that open a connection to a TLS listener are not those of a TLS client. */
export function detectOnTls(first: Buffer, maxBytes: number): PeerageError | undefined {
  if (looksLikeTls(first)) return undefined;
  if (!looksLikeFrame(first, maxBytes)) return notPeerage(first);
  return new PeerageError(
    'SECURITY_MISMATCH',
    'The other side speaks plaintext and this node speaks TLS: give that node the same secret (or tls) as this one.',
  );
}

function looksLikeTls(first: Buffer): boolean {
  // A handshake (22) or alert (21) record of TLS 1.x.
  return (first[0] === 22 || first[0] === 21) && first[1] === 3 && (first[2] ?? 0) <= 4;
}

function looksLikeFrame(first: Buffer, maxBytes: number): boolean {
  if (first.length < FIRST_BYTES) return false;
  const length = first.readUInt32BE(0);
  return length > 0 && length <= maxBytes;
}

function notPeerage(first: Buffer): PeerageError {
  const what = HTTP.test(first.toString('latin1'))
    ? 'speaks HTTP'
    : 'does not speak the protocol of this port';
  return new PeerageError(
    'NOT_PEERAGE',
    `The other side ${what}: no peerage node. Is a health check, a proxy or another service pointed at this port?`,
  );
}
