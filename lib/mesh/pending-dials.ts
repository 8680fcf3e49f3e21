import { PeerageError } from '../errors/peerage-error.js';
import type { Peer } from '../membership/events.js';
import type { AttemptResult } from '../membership/explanation.js';
import type { FoundResult } from './mesh.js';
import type { Clock } from '../time/clock.js';

/** Who waits for a dial to settle, by address, or for a peer to be up, by boot id. */
export class PendingDials {
  private readonly byAddress = new Map<string, ((result: AttemptResult) => void)[]>();
  private readonly byBootId = new Map<string, ((peer: Peer) => void)[]>();

  /** Resolves with the result of the dial of this address that is under way. */
  settled(address: string): Promise<AttemptResult> {
    return new Promise((resolve) => add(this.byAddress, address, resolve));
  }

  settle(address: string, result: AttemptResult): void {
    const waiting = this.byAddress.get(address) ?? [];
    this.byAddress.delete(address);
    for (const resolve of waiting) resolve(result);
  }

  settleAll(result: AttemptResult): void {
    for (const address of [...this.byAddress.keys()]) this.settle(address, result);
  }

  /** Waits for the peer whose handshake is about to end. Rejects with `CONNECTION_LOST` when it does not. */
  peerUp(bootId: string, clock: Clock, withinMs: number): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const cancel = clock.after(withinMs, () => {
        this.byBootId.delete(bootId);
        reject(
          new PeerageError(
            'CONNECTION_LOST',
            'The connection ended before the node became a peer. Try again.',
          ),
        );
      });
      add(this.byBootId, bootId, (peer) => {
        cancel();
        resolve(peer);
      });
    });
  }

  resolvePeer(peer: Peer): void {
    const waiting = this.byBootId.get(peer.bootId) ?? [];
    this.byBootId.delete(peer.bootId);
    for (const resolve of waiting) resolve(peer);
  }
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** What is told of a dial that led to no peer. */
export function notConnected(name: string, outcome: FoundResult): PeerageError {
  switch (outcome.result) {
    case 'failed':
      return new PeerageError(outcome.code, `${name}: ${outcome.message}`);
    case 'self':
      return new PeerageError(
        'SELF',
        `${name} is this node itself; connect() takes the name of another one.`,
      );
    default:
      return new PeerageError('DISCONNECTED', `${name} was disconnected while it was being dialled.`);
  }
}
