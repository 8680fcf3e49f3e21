import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platform } from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureLocalDirectory } from '../../../../lib/via/local/local-directory.js';

describe('the folder of viaLocal', () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'local-directory-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  it('is made with those above it, by several at once too', async () => {
    for (let round = 0; round < 50; round++) {
      const dirs = ['a/b/c/d', 'a/b/c/d', 'a/b/c', 'a/b', 'a/b/c/d'].map((path) =>
        join(root, `${round}`, path),
      );
      await Promise.all(dirs.map((dir) => ensureLocalDirectory(dir)));
      for (const dir of dirs) expect(statSync(dir).mode & 0o777).toBe(0o700);
    }
  });

  it('that lies in a file is told of by the cause', async () => {
    writeFileSync(join(root, 'file'), '');
    const making = ensureLocalDirectory(join(root, 'file/a/b'));
    await expect(making).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
    await expect(making).rejects.toThrow(/Cannot make the folder .*file\/a\/b .*ENOTDIR/);
  });

  // No folder can be made there, which Node's own way tries without end.
  it.skipIf(platform !== 'linux')('names the folder that cannot be made, not one below it', async () => {
    await expect(ensureLocalDirectory('/proc/peerage/a')).rejects.toThrow(/mkdir '\/proc\/peerage'/);
  });
});
