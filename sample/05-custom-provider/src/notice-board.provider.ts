import { mkdir, readdir, rm, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PeerageProvider, ServeContext } from 'nestjs-peerage';

/**
 * A folder with one note per node. `serve` is the long-running part of a provider: it pins this node's note
 * to the board and hands over new ones the moment they appear. When it fails it is started again.
 */
export class NoticeBoardProvider implements PeerageProvider {
  readonly name = 'notice-board';

  constructor(private readonly folder: string) {}

  async poll(): Promise<string[]> {
    await mkdir(this.folder, { recursive: true });
    // The note of a process that was killed stays. That is harmless: a name is only a hint, and is dialled.
    return (await readdir(this.folder)).map(decodeURIComponent);
  }

  async serve(context: ServeContext): Promise<void> {
    const { self, signal } = context;
    await mkdir(this.folder, { recursive: true });
    const note = join(this.folder, encodeURIComponent(self.name));
    try {
      const changes = watch(this.folder, { signal });
      await writeFile(note, '');
      for await (const { filename } of changes)
        if (filename !== null) context.found([decodeURIComponent(filename)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await rm(note, { force: true });
    }
  }
}
