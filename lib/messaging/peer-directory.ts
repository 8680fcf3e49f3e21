import { PeerageError } from '../errors/peerage-error.js';
import type { Peer, PeerEvent } from '../membership/events.js';
import type { Mesh } from '../mesh/mesh.js';
import type { NodeInfo } from '../naming/node-info.js';
import { canonicalName } from '../naming/node-name.js';
import type { MessageContext, Recipient } from './message.types.js';

/** A peer, and the contexts its messages are handled with. */
class Entry {
  private readonly contexts = new Map<string, MessageContext>();

  constructor(readonly peer: Peer) {}

  context(topic: string): MessageContext {
    let context = this.contexts.get(topic);
    if (!context) {
      context = contextOf(this.peer, topic);
      this.contexts.set(topic, context);
    }
    return context;
  }
}

export function contextOf(peer: Peer, topic: string): MessageContext {
  return Object.freeze({ peer, topic });
}

/** Who a message of this node to itself is for: not for apps, which can call what they want to reach. */
export const THIS_NODE = Symbol('this node');

/** The peers, to be found at once. */
export class PeerDirectory {
  private readonly byBootId = new Map<string, Entry>();
  private readonly byName = new Map<string, Peer>();
  private own: Entry | undefined;
  private ownInfo: NodeInfo | undefined;

  constructor(private readonly mesh: Pick<Mesh, 'self' | 'explain'>) {}

  hear(event: PeerEvent): void {
    switch (event.type) {
      case 'peer.up':
      case 'peer.updated':
      case 'peer.degraded':
      case 'peer.recovered':
      case 'peer.leaving':
        this.forget(event.peer.bootId);
        this.byBootId.set(event.peer.bootId, new Entry(event.peer));
        this.byName.set(event.peer.name, event.peer);
        return;
      case 'peer.down':
        return this.forget(event.peer.bootId);
      case 'peer.refused':
    }
  }

  /** Also the name that it had. */
  private forget(bootId: string): void {
    const before = this.get(bootId);
    this.byBootId.delete(bootId);
    if (before && this.byName.get(before.name)?.bootId === bootId) this.byName.delete(before.name);
  }

  get(bootId: string): Peer | undefined {
    return this.byBootId.get(bootId)?.peer;
  }

  /** What a handler is told about a message. Only for topics that are handled: contexts are kept. */
  context(bootId: string, topic: string): MessageContext | undefined {
    const entry = this.byBootId.get(bootId) ?? (bootId === this.mesh.self.bootId ? this.self() : undefined);
    return entry?.context(topic);
  }

  /** For messages and errors. */
  nameOf(bootId: string): string {
    if (bootId === this.mesh.self.bootId) return this.mesh.self.name;
    return this.get(bootId)?.name ?? bootId;
  }

  /**
   * The boot id of whom a message is for.
   *
   * @throws PeerageError `NO_SUCH_PEER`, `SELF`, `INVALID_NAME`, `INVALID_OPTIONS` when it is for none
   */
  bootIdOf(recipient: Recipient | typeof THIS_NODE): string {
    if (recipient === THIS_NODE) return this.mesh.self.bootId;
    assertRecipient(recipient);
    if (typeof recipient !== 'string') return this.notSelf(recipient.bootId);
    const peer = this.byName.get(recipient) ?? this.get(recipient);
    if (peer) return peer.bootId;
    if (!recipient.includes('@')) {
      this.notSelf(recipient);
      throw new PeerageError('NO_SUCH_PEER', `No peer has the boot id ${JSON.stringify(recipient)}.`);
    }
    return this.bootIdOfName(canonicalName(recipient));
  }

  private bootIdOfName(name: string): string {
    const peer = this.byName.get(name);
    if (peer) return peer.bootId;
    if (name === this.mesh.self.name) return this.notSelf(this.mesh.self.bootId);
    const [explanation] = this.mesh.explain(name).names;
    throw new PeerageError('NO_SUCH_PEER', `${name} is not a peer. ${explanation?.summary ?? ''}`.trim());
  }

  /** Ourselves as a peer. What we tell of us may change. */
  private self(): Entry {
    const { self } = this.mesh;
    if (this.own === undefined || this.ownInfo !== self) {
      const connectedAt = this.own?.peer.connectedAt ?? new Date();
      this.own = new Entry({ ...self, status: 'up', connectedAt, rttMs: 0 });
      this.ownInfo = self;
    }
    return this.own;
  }

  private notSelf(bootId: string): string {
    if (bootId !== this.mesh.self.bootId) return bootId;
    throw new PeerageError(
      'SELF',
      'That is this node itself: call what you want to reach, without a message.',
    );
  }
}

/** Apps may hand over anything. */
function assertRecipient(recipient: Partial<Pick<Peer, 'bootId'>> | string | null | undefined): void {
  const bootId: unknown = typeof recipient === 'object' ? recipient?.bootId : recipient;
  if (typeof bootId === 'string') return;
  const given = recipient === null ? 'null' : typeof recipient;
  throw new PeerageError(
    'INVALID_OPTIONS',
    `A message is for a peer, its name or its boot id, not for ${given === 'object' ? 'an object without a bootId' : given}.`,
  );
}
