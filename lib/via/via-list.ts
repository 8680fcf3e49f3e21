import { describeError, PeerageError } from '../errors/peerage-error.js';
import { canonicalName } from '../naming/node-name.js';
import type { PeerageProvider } from './provider.js';

/**
 * A fixed list of node names, such as `['a@127.0.0.1:4001', 'b@127.0.0.1:4002']`. The node's own name may
 * be among them, so that every node can have the same list.
 *
 * @throws PeerageError `INVALID_NAME` that names every malformed entry.
 * @publicApi
 */
export function viaList(names: readonly string[]): PeerageProvider {
  if (!Array.isArray(names)) {
    throw new PeerageError('INVALID_OPTIONS', 'viaList() takes an array of node names.');
  }
  const canonical = [...new Set(readAll(names))];
  return { name: 'list', poll: () => canonical };
}

function readAll(names: readonly string[]): string[] {
  const faults: unknown[] = [];
  const read = names.flatMap((name) => {
    try {
      return [canonicalName(name)];
    } catch (error) {
      faults.push(error);
      return [];
    }
  });
  if (faults.length === 0) return read;
  const cause = faults.length === 1 ? faults[0] : new AggregateError(faults);
  throw new PeerageError('INVALID_NAME', `viaList(): ${faults.map(describeError).join(' ')}`, { cause });
}
