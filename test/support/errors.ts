import { PeerageError } from '../../lib/errors/peerage-error.js';

/** The PeerageError that `act` throws or rejects with. */
export async function thrownBy(act: () => unknown): Promise<PeerageError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof PeerageError) return error;
    throw new Error(`no PeerageError was thrown, but ${String(error)}`, { cause: error });
  }
  throw new Error('nothing was thrown');
}
