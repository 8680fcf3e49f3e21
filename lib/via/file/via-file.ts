import { resolve } from 'node:path';
import { PeerageError } from '../../errors/peerage-error.js';
import { FileSession } from './file-session.js';
import { readNamesFile } from './file-reader.js';
import type { PeerageProvider } from '../provider.js';

/**
 * Finds the nodes that a file names: one name a line (`#` begins a comment), or a JSON array of names. The
 * file is watched, so what a template writes there is dialled at once. It may be replaced, be a link that is
 * swapped, as in a ConfigMap, or be missing for a while: then the poll fails and its last good answer stands.
 *
 * @param path of the file, from the working directory.
 * @throws PeerageError `INVALID_OPTIONS`. Its `poll` rejects with `PROVIDER_FAILED` when the file cannot be
 * read, or begins like JSON and is no array of names.
 * @publicApi
 */
export function viaFile(path: string): PeerageProvider {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new PeerageError('INVALID_OPTIONS', 'viaFile() takes the path of a file.');
  }
  // From where it stands now: an app may change its working directory, and errors should say where it is.
  const file = resolve(path);
  return {
    name: `file:${path}`,
    poll: ({ signal }) => readNamesFile(file, signal),
    serve: (context) => new FileSession(file, context).run(),
  };
}
