import { existsSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A file as the kubelet keeps it where a ConfigMap is mounted: peers.txt -> ..data/peers.txt and ..data -> ..<time>,
 * which is swapped by a rename.
 */
export class ConfigMapFile {
  readonly path: string;
  private versions = 0;

  constructor(private readonly folder: string) {
    this.path = join(folder, 'peers.txt');
  }

  /** Writes a new version; the one before is removed unless it is to be `kept`. */
  write(text: string, { kept = false } = {}): void {
    const before = this.current();
    const name = `..2026_${(this.versions += 1)}`;
    mkdirSync(join(this.folder, name));
    writeFileSync(join(this.folder, name, 'peers.txt'), text);
    symlinkSync(name, join(this.folder, '..data_tmp'));
    renameSync(join(this.folder, '..data_tmp'), join(this.folder, '..data'));
    if (!existsSync(this.path)) symlinkSync(join('..data', 'peers.txt'), this.path);
    if (before !== undefined && !kept) rmSync(join(this.folder, before), { recursive: true });
  }

  /** The key is taken out of the ConfigMap. */
  remove(): void {
    rmSync(this.path);
  }

  private current(): string | undefined {
    const link = join(this.folder, '..data');
    return existsSync(link) ? readlinkSync(link) : undefined;
  }
}
