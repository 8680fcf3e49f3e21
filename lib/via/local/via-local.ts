import { assertOptionNames, type OptionNames } from '../../naming/option-names.js';
import { PeerageError } from '../../errors/peerage-error.js';
import { defaultLocalDirectory, ensureLocalDirectory, LocalDirectory } from './local-directory.js';
import { isOfCluster, ownPidSpace } from './local-file.js';
import { LocalSession } from './local-session.js';
import type { PeerageProvider } from '../provider.js';

/**
 * Options of {@link viaLocal}.
 *
 * @publicApi
 */
export interface ViaLocalOptions {
  /**
   * The folder in which the processes find each other: made when it is missing, refused when other users
   * have access to it. @default `peerage-<user id>` in the temporary folder of the system
   */
  readonly dir?: string | undefined;
}

const NAMES: OptionNames<ViaLocalOptions> = {
  dir: true,
};

/**
 * Finds the other processes of this user on this host, without any network: each keeps a file in a folder
 * that the others watch. Nodes of other clusters are passed over. It is removed on shutdown; that of a process that was killed is swept by the others.
 *
 * @throws PeerageError `INVALID_OPTIONS`. Its `poll` and `serve` reject with `PROVIDER_FAILED` when the
 * folder cannot be used.
 * @publicApi
 */
export function viaLocal(options: ViaLocalOptions = {}): PeerageProvider {
  assertOptionNames('viaLocal()', options, NAMES);
  const { dir } = options;
  if (dir !== undefined && (typeof dir !== 'string' || dir === '')) {
    throw new PeerageError('INVALID_OPTIONS', 'viaLocal(): dir is not the path of a folder.');
  }
  const folder = new LocalDirectory(dir ?? defaultLocalDirectory());
  return {
    name: 'local',
    async poll({ self, cluster }) {
      await ensureLocalDirectory(folder.path);
      const entries = await folder.liveEntries(await folder.files(), await ownPidSpace());
      // By the boot id: who looks from outside may be called like one of them.
      const found = entries.filter((entry) => entry.bootId !== self.bootId && isOfCluster(entry, cluster));
      return [...new Set(found.map(({ name }) => name))];
    },
    serve: (context) => new LocalSession(folder, context).run(),
  };
}
