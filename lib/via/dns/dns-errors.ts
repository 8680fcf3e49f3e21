import { describeError, PeerageError } from '../../errors/peerage-error.js';
import { codeOf } from '../../errors/thrown.js';

/** The name does not exist, or has no record of the wanted type: an answer, and an empty one. */
const NO_SUCH_RECORD = new Set(['ENOTFOUND', 'ENODATA']);

/** Some 30 addresses of one family are as much as an answer by UDP holds. */
const TOO_LONG = 'its answer is too long for UDP and its TCP port 53 is closed';

const REASONS: Readonly<Record<string, string>> = {
  // getaddrinfo has one code for all of these, and does not tell them apart.
  EAI_AGAIN: `no name server could be reached in time, it answered SERVFAIL or REFUSED, or ${TOO_LONG}`,
  EAI_FAIL: 'the name server refused to answer',
  ESERVFAIL: 'the name server answered SERVFAIL',
  EREFUSED: 'the name server refused to answer',
  // A truncated answer is asked for again by TCP, with the same errors.
  ECONNREFUSED: `no name server is listening there, or ${TOO_LONG}`,
  ETIMEOUT: `the name server did not answer in time, or ${TOO_LONG}`,
  EBADRESP: 'the name server sent a malformed answer',
};

export function isNoSuchRecord(error: unknown): boolean {
  return NO_SUCH_RECORD.has(codeOf(error));
}

/** SERVFAIL is about one name; after it, another name may well be answered. */
export function isAboutOneName(error: unknown): boolean {
  return isNoSuchRecord(error) || codeOf(error) === 'ESERVFAIL';
}

/** What the app is told when a lookup failed. */
export function lookupFailed(dnsName: string, error: unknown): PeerageError {
  const code = codeOf(error);
  const reason = REASONS[code] ?? describeError(error);
  return new PeerageError(
    code === 'ETIMEOUT' ? 'PROVIDER_TIMEOUT' : 'PROVIDER_FAILED',
    `DNS lookup of "${dnsName}" failed: ${reason} (${code || 'unknown'}). Check the name servers of this host ` +
      `(/etc/resolv.conf, or the nameservers option). Names found before stay known.`,
    { cause: error },
  );
}

/** What the app is told when a lookup was given up. `what` of it, in words. */
export function lookupAborted(dnsName: string, signal: AbortSignal, what = ''): PeerageError {
  const cause: unknown = signal.reason;
  if (cause instanceof PeerageError) return cause;
  if ((cause as { name?: unknown } | undefined)?.name === 'TimeoutError') {
    return new PeerageError(
      'PROVIDER_TIMEOUT',
      `DNS lookup of "${dnsName}"${what} did not end in time: its name servers are slow or unreachable. ` +
        `Names found before stay known.`,
      { cause },
    );
  }
  return new PeerageError('ABORTED', `DNS lookup of "${dnsName}"${what} was aborted.`, { cause });
}
