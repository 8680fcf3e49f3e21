import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureLocalDirectory } from '../../../../lib/via/local/local-directory.js';
import { writeEntry } from '../../../../lib/via/local/local-file.js';

vi.mock('node:fs/promises', { spy: true });

const failure = (code: string, text: string) => Object.assign(new Error(`${code}: ${text}`), { code });
const readOnly = (call: string, path: string) => failure('EROFS', `read-only file system, ${call} '${path}'`);

/** What the system says of a file system at /read-only that has no folder. */
describe('a file system that is read-only', () => {
  beforeEach(() => vi.clearAllMocks());

  it('is the reason that is told, with the folder that cannot be made, and what to do', async () => {
    vi.mocked(mkdir).mockImplementation(async (path) => {
      throw path === '/read-only/a' ? readOnly('mkdir', path) : failure('ENOENT', `no such folder, mkdir`);
    });
    const making = ensureLocalDirectory('/read-only/a/b');
    await expect(making).rejects.toMatchObject({ code: 'PROVIDER_FAILED', cause: { code: 'EROFS' } });
    await expect(making).rejects.toThrow(
      "Cannot make the folder /read-only/a/b to find other processes in: EROFS: read-only file system, mkdir '/read-only/a'. " +
        'Give viaLocal() a folder that this process can write to.',
    );
  });

  it('is the reason that is told, and what it means, where the folder is there', async () => {
    vi.mocked(writeFile).mockImplementation(async (path) => {
      throw readOnly('open', path as string);
    });
    const entry = { name: 'a@h', bootId: 'ab'.repeat(16), pid: 1, pidSpace: '', startedAt: 1 };
    const writing = writeEntry('/read-only', entry);
    await expect(writing).rejects.toMatchObject({ code: 'PROVIDER_FAILED', cause: { code: 'EROFS' } });
    await expect(writing).rejects.toThrow(
      /Cannot write to the folder \/read-only: EROFS: .* Other processes do not find this one\.$/,
    );
    expect(vi.mocked(writeFile).mock.lastCall?.[0]).toBe(join('/read-only', `.${entry.bootId}.tmp`));
  });
});
