import { PeerageError } from '../errors/peerage-error.js';
import type { NodeInfo } from '../naming/node-info.js';
import type { TrackedEntry } from '../presence/presence.types.js';
import { best } from './core/rendezvous.js';
import type { HeldWork, Holder } from './holder.js';

/**
 * A wish of this node to hold a key.
 *
 * @publicApi
 */
export interface Hold {
  /** What is wished for. */
  readonly key: string;
  /** Whether this node holds it now: what was to be run has begun, and was not told to end. */
  readonly isHeld: boolean;
  /** Takes the wish back, and ends what runs. Resolves when it has ended. */
  release(): Promise<void>;
}

/** What a space is made of. */
interface KeySpaceParts {
  readonly holder: Holder;
  /** Tells all that this node has opened the space. */
  readonly opened: TrackedEntry<unknown>;
  /** The nodes that have opened it and stay, and this one when it may own keys. */
  readonly members: () => readonly NodeInfo[];
  readonly self: () => NodeInfo;
  /** It is closed: it counts no more. */
  readonly closed: () => void;
}

/**
 * Keys that are shared out among the nodes which have opened the same space.
 *
 * @publicApi
 */
export class KeySpace {
  private readonly holds = new Set<Hold>();
  private isClosed = false;

  /** @internal */
  constructor(
    /** What `keys()` was asked for. */
    readonly name: string,
    private readonly parts: KeySpaceParts,
  ) {}

  /**
   * Runs `work` on this node while it owns the key among the nodes that have opened this space. Ask for the same keys
   * on all of them: the owner runs, the others wait. The signal of `work` aborts as soon as the key is another's, and
   * before this node says goodbye on shutdown; who gains a key waits for `ownership.handoverMs` first, so `work` has
   * that long to end. When it fails it is logged and begun again, after 1 s and later 30 s; when it ends by itself it
   * has done its work, and is begun again only when the key has been another's meanwhile. Of two holds of one key on one
   * node the later one waits until the work of the other has ended.
   *
   * While the network is split each side has its own owner. For what must never run twice use a row in the database,
   * or have whoever takes the result compare.
   *
   * @throws PeerageError `INVALID_OPTIONS` when the space is closed, or that is no key
   */
  hold(key: string, work: HeldWork): Hold {
    if (typeof key !== 'string' || key === '')
      throw new PeerageError('INVALID_OPTIONS', 'hold() takes a key: a text that is not empty.');
    if (this.isClosed)
      throw new PeerageError('INVALID_OPTIONS', `The keys ${JSON.stringify(this.name)} are closed.`);
    const { holder } = this.parts;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    const id = holder.hold(
      key,
      `What holds ${JSON.stringify(key)} of ${JSON.stringify(this.name)}`,
      work,
      end,
      key,
    );
    const hold: Hold = {
      key,
      get isHeld() {
        return holder.isHeld(id);
      },
      release: () => {
        if (this.holds.delete(hold)) holder.release(id);
        return ended;
      },
    };
    this.holds.add(hold);
    return hold;
  }

  /** The node that owns a key among those that have opened this space; undefined when none that stays has. */
  ownerOf(key: string): NodeInfo | undefined {
    return best(key, this.parts.members(), ({ name }) => name);
  }

  /** Whether this node owns a key among those that have opened this space. Never once it shuts down. */
  owns(key: string): boolean {
    return this.ownerOf(key)?.bootId === this.parts.self().bootId;
  }

  /** Releases all its keys; this node counts no more. Resolves when everything that ran has ended. */
  async close(): Promise<void> {
    this.isClosed = true;
    const released = Promise.all([...this.holds].map((hold) => hold.release()));
    this.parts.opened.untrack();
    this.parts.closed();
    await released;
  }
}
