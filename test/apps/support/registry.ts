import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { manifest, npm, repository } from '../../package/support/commands.js';

const TARBALL = '/tarball.tgz';

/**
 * A registry on loopback that has one package, packed and not published yet, and sends whoever asks for another one to the
 * registry that npm uses.
 */
export class Registry {
  private readonly server: Server;
  private readonly tarball: Buffer;
  private readonly other = npm(['config', 'get', 'registry'], repository).trim();

  constructor(tarball: string) {
    this.tarball = readFileSync(tarball);
    this.server = createServer(({ url = '' }, response) => {
      if (url === TARBALL) return response.end(this.tarball);
      if (url === '/nestjs-peerage') return response.end(JSON.stringify(this.document));
      return response.writeHead(307, { location: new URL(url.slice(1), this.other).href }).end();
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** With these variables npm, whoever starts it, asks here. */
  asEnvironment(): Record<string, string> {
    return { npm_config_registry: this.url, npm_config_audit: 'false', npm_config_fund: 'false' };
  }

  private get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** As `npm publish` would have it. */
  private get document(): unknown {
    const { version } = manifest;
    const integrity = `sha512-${createHash('sha512').update(this.tarball).digest('base64')}`;
    const released = { ...manifest, dist: { tarball: new URL(TARBALL, this.url).href, integrity } };
    return { name: 'nestjs-peerage', 'dist-tags': { latest: version }, versions: { [version]: released } };
  }
}
