import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** @default 30 */
  readonly days?: number;
  /** @default both serverAuth and clientAuth */
  readonly usage?: string;
}

/** A certificate authority for one test, in a temporary folder that `dispose` removes. */
export class TestAuthority {
  readonly ca: string;
  private readonly folder = mkdtempSync(join(tmpdir(), 'peerage-ca-'));
  private serial = 0;

  constructor(name = 'test authority') {
    this.openssl('req', '-x509', '-days', '30', '-subj', `/CN=${name}`, ...NEW_KEY, ...this.files('ca'));
    this.ca = this.read('ca.crt');
  }

  /** Where the authority's certificate lies, for NODE_EXTRA_CA_CERTS. */
  get caFile(): string {
    return join(this.folder, 'ca.crt');
  }

  /** A certificate for a node (or, with a host name, for an impostor). */
  issue(
    commonName: string,
    { days = 30, usage = 'serverAuth,clientAuth' }: CertificateOptions = {},
  ): Certificate {
    const name = `cert${this.serial++}`;
    const [keyOut, key, , cert] = this.files(name);
    const extensions = join(this.folder, `${name}.ext`);
    const isAddress = /^[\d.]+$/.test(commonName);
    writeFileSync(
      extensions,
      `subjectAltName=${isAddress ? 'IP' : 'DNS'}:${commonName}\nextendedKeyUsage=${usage}\n`,
    );
    this.openssl(
      'req',
      '-new',
      '-subj',
      `/CN=${commonName}`,
      ...NEW_KEY,
      keyOut!,
      key!,
      '-out',
      `${name}.csr`,
    );
    this.openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial'],
      ...[String(this.serial + 1), '-days', String(days), '-extfile', extensions, '-out', cert!],
    );
    return { cert: this.read(`${name}.crt`), key: this.read(`${name}.key`) };
  }

  /** The same, as the paths of its files. */
  issueFiles(commonName: string): Certificate {
    this.issue(commonName);
    const [, key = '', , cert = ''] = this.files(`cert${this.serial - 1}`);
    return { cert: join(this.folder, cert), key: join(this.folder, key) };
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private files(name: string): string[] {
    return ['-keyout', `${name}.key`, '-out', `${name}.crt`];
  }

  private read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'];
