import { describeError, PeerageError, type PeerageErrorCode } from '../../../errors/peerage-error.js';
import { codeOf } from '../../../errors/thrown.js';
import type { Security } from '../../../peerage.options.js';
import { MISMATCH_ALERT_CODE } from './protocol-detection.js';

type Failure = readonly [code: PeerageErrorCode, advice: string];

const DIAL_FAILURES: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: [
    'CONNECTION_REFUSED',
    'nobody listens there: the process is gone, starting, or on another port',
  ],
  ENOTFOUND: ['HOST_NOT_FOUND', 'its host name has no address'],
  EAI_AGAIN: ['HOST_NOT_FOUND', 'its host name could not be looked up just now: is DNS reachable?'],
  ETIMEDOUT: ['DIAL_TIMEOUT', 'it did not answer: a firewall, or the host is gone'],
  ECONNRESET: ['CONNECTION_LOST', 'it closed the connection during the handshake'],
  EPIPE: ['CONNECTION_LOST', 'it closed the connection during the handshake'],
  ECONNABORTED: ['CONNECTION_LOST', 'the connection was aborted during the handshake'],
};

const BAD_CERTIFICATE: Failure = [
  'NOT_AUTHENTICATED',
  "its certificate is not accepted: it must be signed by the cluster's ca, in date, and usable by TLS servers",
];
const CERTIFICATE_INSTEAD_OF_SECRET: Failure = [
  'NOT_AUTHENTICATED',
  'it showed a certificate and did not prove that it knows the secret: it uses tls instead, or is none of ours',
];
const MISMATCH: Failure = [
  'SECURITY_MISMATCH',
  'it speaks plaintext and this node speaks TLS: give both the same secret (or tls), or neither',
];
const NO_TLS: Failure = [
  'NOT_PEERAGE',
  'what answers there does not speak TLS: no peerage node, or the wrong port',
];
const REFUSED_SECRET: Failure = [
  'WRONG_SECRET',
  'it does not accept our secret: the secret or the cluster label differs. Set the same `secret` and `cluster` on every node',
];
const REFUSED_CERTIFICATE: Failure = [
  'NOT_AUTHENTICATED',
  'it refused the TLS handshake: it does not trust our certificate, or it uses a secret instead of tls',
];

/** The error of a dial whose socket failed before it was a link. */
export function dialError(address: string, kind: Security['kind'], error: unknown): PeerageError {
  const code = socketCodeOf(error);
  const [peerageCode, advice] =
    DIAL_FAILURES[code] ??
    tlsFailure(kind, code) ??
    (['UNREACHABLE', `the network said: ${describeError(error)}`] as const);
  return new PeerageError(peerageCode, `Cannot connect to ${address}: ${advice} (${code}).`, {
    cause: error,
  });
}

export function dialTimeout(address: string, ms: number): PeerageError {
  return new PeerageError(
    'DIAL_TIMEOUT',
    `Cannot connect to ${address}: no secure connection after ${ms} ms. A firewall, a host that is gone or overloaded, or a program that is no peerage node.`,
  );
}

export function dialAborted(address: string, cause?: unknown): PeerageError {
  return new PeerageError('ABORTED', `The connection to ${address} was given up.`, { cause });
}

export function notAuthenticated(address: string, kind: Security['kind']): PeerageError {
  const [code, advice] = kind === 'tls' ? BAD_CERTIFICATE : CERTIFICATE_INSTEAD_OF_SECRET;
  return new PeerageError(code, `Cannot connect to ${address}: ${advice}.`);
}

/**
 * What it means that a node we dialled closed the link before it said anything: with mutual TLS the listener
 * judges our certificate after we have judged its.
 */
export function silentEnd(kind: Security['kind'], error: NodeJS.ErrnoException): PeerageError | undefined {
  const code = socketCodeOf(error);
  const isVerdict = ['EOF', 'ECONNRESET', 'EPIPE'].includes(code) || isAlert(code);
  if (kind !== 'tls' || !isVerdict) return undefined;
  return new PeerageError(
    'NOT_AUTHENTICATED',
    `The other side closed the connection as soon as it had seen our certificate (${code}): it is not signed by the ca it trusts, has expired, or may not be used by TLS clients. Its log says which.`,
    { cause: error },
  );
}

/** What a listener reports of a dialer whose TLS handshake failed. */
export function inboundTlsError(kind: Security['kind'], error: unknown, verdict?: unknown): PeerageError {
  const code = socketCodeOf(error);
  const cause = { cause: error };
  if (verdict !== undefined && verdict !== null) {
    const message = `Its certificate is not accepted (${describeError(verdict)}): it must be signed by the cluster's ca, in date, and usable by TLS clients.`;
    return new PeerageError('NOT_AUTHENTICATED', message, cause);
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'EOF') {
    const why =
      kind === 'tls'
        ? 'it does not accept our certificate, or something only looked whether this port is open'
        : 'it did not wait any longer (is it busy, or the network slow?), or something only looked whether this port is open';
    return new PeerageError('CONNECTION_LOST', `It hung up during the TLS handshake: ${why}.`, cause);
  }
  const message =
    kind === 'secret'
      ? `Its TLS handshake failed (${code}): it does not know the secret. Is it a node with another secret or with tls, or no peerage node?`
      : `Its TLS handshake failed (${code}): it has no certificate of the cluster's ca. Is it a node with a secret instead, or no peerage node?`;
  return new PeerageError('NOT_AUTHENTICATED', message, cause);
}

function tlsFailure(kind: Security['kind'], code: string): Failure | undefined {
  if (kind === 'none') return undefined;
  if (code === MISMATCH_ALERT_CODE) return MISMATCH;
  if (isAlert(code)) return kind === 'secret' ? REFUSED_SECRET : REFUSED_CERTIFICATE;
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return NO_TLS;
  if (!/^E[A-Z]+$/.test(code)) return kind === 'secret' ? CERTIFICATE_INSTEAD_OF_SECRET : BAD_CERTIFICATE;
  return undefined;
}

function isAlert(code: string): boolean {
  return code.startsWith('ERR_SSL_') && code.includes('_ALERT_');
}

/** The code of a socket's error. A host with several addresses gives one error for each. */
export function socketCodeOf(error: unknown): string {
  const { errors } = error as { errors?: readonly unknown[] };
  return codeOf(error) || codeOf(errors?.[0]) || 'UNKNOWN';
}
