import { beforeEach, describe, expect, it } from 'vitest';
import type { Peer } from '../../../lib/membership/events.js';
import { PeerDirectory } from '../../../lib/messaging/peer-directory.js';
import { nodeOf, SELF } from '../../support/mesh/membership-driver.js';
import { thrownBy } from '../../support/errors.js';

const peerOf = (name: string, digit: string): Peer => ({
  ...nodeOf(name, digit),
  status: 'up',
  connectedAt: new Date(0),
});

describe('a peer that has another name than before', () => {
  const before = peerOf('app@10.0.0.2', '7');
  const now = peerOf('app@10.0.0.9', '7');
  let directory: PeerDirectory;
  beforeEach(() => {
    directory = new PeerDirectory({ self: SELF, explain: () => ({ names: [] }) } as never);
    directory.hear({ type: 'peer.up', peer: before });
    directory.hear({ type: 'peer.updated', peer: now, previous: before });
  });

  it('is found by that one alone', async () => {
    expect(directory.bootIdOf(now.name)).toBe(now.bootId);
    expect(await thrownBy(() => directory.bootIdOf(before.name))).toMatchObject({ code: 'NO_SUCH_PEER' });
  });

  it('takes no name from who has its old one by now', () => {
    const other = peerOf(before.name, '8');
    directory.hear({ type: 'peer.up', peer: other });
    directory.hear({ type: 'peer.updated', peer: peerOf('app@10.0.0.10', '7'), previous: now });
    expect(directory.bootIdOf(before.name)).toBe(other.bootId);
  });
});
