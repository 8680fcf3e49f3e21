import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../../lib/config/environment.js';
import { readEnvironment } from '../../../lib/config/environment.js';
import { TestAuthority } from '../../support/mesh/certificates.js';

const authority = new TestAuthority();
const { cert, key } = authority.issue('a.node');
const other = authority.issue('b.node');
const passphrase = 'open sesame';
const encrypted = createPrivateKey(key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
  .toString();
const folder = mkdtempSync(join(tmpdir(), 'peerage-tls-'));
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const good = { ca: file('ca.pem', authority.ca), cert: file('cert.pem', cert), key: file('key.pem', key) };
const pipe = join(folder, 'pipe');
execFileSync('mkfifo', [pipe]);
mkdirSync(join(folder, 'folder'));

afterAll(() => {
  authority.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const variables = ['CA', 'CERT', 'KEY', 'CRL', 'PASSPHRASE'].map((name) => `PEERAGE_TLS_${name}`);
const env = (tls: Record<string, string>): Environment =>
  Object.fromEntries(Object.entries(tls).map(([name, text]) => [`PEERAGE_TLS_${name.toUpperCase()}`, text]));
const faultsOf = (tls: Record<string, string>) =>
  readEnvironment(env(tls)).faults.map(({ path, problem }) => `${path}: ${problem}`);

describe('certificates in variables', () => {
  it.each([
    ['as files', good],
    ['as they are', { ca: authority.ca, cert, key }],
    ['on one line', { ca: authority.ca, cert, key: key.replaceAll('\n', '\\n') }],
    ['with a key that a passphrase opens', { ...good, key: encrypted, passphrase }],
    ['with several authorities', { ...good, ca: `about it\n${authority.ca}\n${other.cert}` }],
  ])('work %s', (_how, tls) => {
    const { options, faults } = readEnvironment(env(tls));
    expect(faults).toEqual([]);
    createSecureContext(options.tls);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'no such file',
      { key: join(folder, 'nobody.pem') },
      /TLS_KEY: the file \S+nobody.pem cannot be read \(ENOENT\)/,
    ],
    ['a folder', { ca: join(folder, 'folder') }, /TLS_CA: the file \S+folder is no file/],
    ['a pipe, which would be waited for', { cert: pipe }, /TLS_CERT: the file \S+pipe is no file/],
    ['a device without an end', { ca: '/dev/zero' }, /TLS_CA: the file \/dev\/zero is no file/],
    [
      'a huge file',
      { ca: file('huge', Buffer.alloc(2 ** 20 + 1)) },
      /TLS_CA: the file \S+huge has more than/,
    ],
    ['an empty file', { ca: file('empty', '') }, /TLS_CA: has no certificate/],
    ['authorities that are none', { ca: file('note', 'see the wiki') }, /TLS_CA: has no certificate/],
    ['a key in the place of the authorities', { ca: good.key }, /TLS_CA: has no certificate/],
    ['a certificate that is cut off', { cert: cert.slice(0, -80) }, /TLS_CERT: has no certificate/],
    [
      'a damaged certificate',
      { cert: cert.replace('-\nMII', '-\nAAA') },
      /TLS_CERT: has a certificate that is damaged/,
    ],
    ['a certificate in the place of the key', { key: good.cert }, /TLS_KEY: has no private key/],
    [
      'the key of another',
      { key: other.key },
      /TLS_\*: these certificates and this key cannot be used: .*mismatch/,
    ],
    ['an encrypted key alone', { key: encrypted }, /TLS_PASSPHRASE: is missing: the key is encrypted/],
    ['another passphrase', { key: encrypted, passphrase: 'x' }, /TLS_PASSPHRASE: does not open the key/],
    [
      'a key in base64',
      { key: Buffer.from(key).toString('base64') },
      /TLS_KEY: is neither the path of a file nor PEM/,
    ],
    ['a list of revoked ones that is none', { crl: good.ca }, /TLS_\*: these certificates .* CRL/],
  ])('%s is told in those words', (_what, tls, why) => {
    expect(faultsOf({ ...good, ...tls })).toEqual([expect.stringMatching(why)]);
  });

  const secrets = [key, encrypted, other.key].map((pem) => pem.split('\n')[2]!);
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(...Object.values(good), pipe, folder, '/dev/null', '/proc/self/mem'),
    fc
      .tuple(fc.constantFrom(authority.ca, cert, key, encrypted, other.cert, other.key), fc.nat(), fc.nat(60))
      .map(([pem, at, length]) => {
        const from = at % pem.length;
        return pem.slice(0, from) + pem.slice(from + length);
      }),
  );

  it('are taken or told of by their name, whatever the variables say, and no key is shown', () => {
    const some = fc.record(Object.fromEntries(variables.map((name) => [name, text])), { requiredKeys: [] });
    fc.assert(
      fc.property(some, (set) => {
        const { options, faults } = readEnvironment(set);
        const isSet = Object.values(set).some((value) => value?.trim() !== '');
        if (faults.length === 0 && isSet) createSecureContext(options.tls);
        for (const { path, problem } of faults) {
          expect([...variables, 'PEERAGE_TLS_*']).toContain(path);
          for (const secret of secrets) expect(problem).not.toContain(secret.slice(0, 20));
        }
      }),
      { numRuns: 300 },
    );
  });
});
