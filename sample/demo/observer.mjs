/**
 * Loaded into each node of the demo beside the app (`node --import`): hands on what the library publishes on
 * its diagnostics channels. The app itself knows nothing of it.
 */
import { subscribe } from 'node:diagnostics_channel';

const tell = (message) => process.connected && process.send(message);

/** The first poll comes right after the start: from then on the node has its name. */
subscribe('peerage:poll', ({ self }) => tell({ type: 'running', self: self.name }));
subscribe('peerage:peer.up', ({ self, event }) => tell(change(self, event)));
subscribe('peerage:peer.down', ({ self, event }) => tell(change(self, event)));

function change(self, { type, at, peer, reason }) {
  return { type, self: self.name, peer: peer.name, bootId: peer.bootId, reason, atMs: at.getTime() };
}

// Without the demo there is nobody to end this node.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
