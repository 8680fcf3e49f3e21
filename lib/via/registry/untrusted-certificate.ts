import { codeOf } from '../../errors/thrown.js';

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** What to do about the certificate of a server, if that is what the error is about. `cure`: how its CA is made known. */
export function certificateAdvice(error: unknown, cure: string): string | undefined {
  const code = codeOf(error);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'The certificate of the server is for another name: give that name in the URL.';
  if (code === 'CERT_HAS_EXPIRED') return 'The certificate of the server has expired: renew it there.';
  if (!UNTRUSTED.has(code)) return undefined;
  return `The certificate of the server is signed by nobody that Node.js knows: ${cure}.`;
}
