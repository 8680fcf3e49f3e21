import type { PeerEvent } from '../../lib/membership/events.js';
import { PresenceCore } from '../../lib/presence/core/presence-core.js';
import type {
  Entry,
  PresenceDirective,
  PresenceInput,
  Update,
} from '../../lib/presence/core/presence-core.types.js';
import { SimNode } from './sim-node.js';

type Send = Extract<PresenceDirective, { type: 'send' }>;

/** A node whose app shares presence with others. */
export class SharingNode extends SimNode {
  /** What its app was told of the entries of others, by boot id. */
  readonly known = new Map<string, Map<number, Entry>>();
  /** Its own. */
  readonly own = new Map<number, Entry>();
  readonly limits = { presenceEntries: 8, presenceBytes: 3_000 };
  presence = new PresenceCore(this.limits);
  private lastId = 0;
  private changes = 0;
  private readonly routes = new Map<string, number>();

  override start(): void {
    super.start();
    this.known.clear();
    this.own.clear();
    this.routes.clear();
    this.presence = new PresenceCore(this.limits);
  }

  /** Its app tracks, updates or untracks something. */
  act(): void {
    const { random } = this.world;
    const ids = [...this.own.keys()].filter((each) => each > 0);
    const id = random() < 0.4 || ids.length === 0 ? ++this.lastId : ids[Math.floor(random() * ids.length)]!;
    if (this.own.has(id) && random() < 0.5) return void this.share({ type: 'drop', id });
    const meta = (this.changes += 1);
    const entry = { id, space: 'rooms', key: `room ${id % 5}`, meta, bytes: 10 + Math.floor(90 * random()) };
    if (this.presence.hasRoom(entry.bytes, id)) this.share({ type: 'put', entry });
  }

  protected override told(event: PeerEvent): void {
    if (event.type === 'peer.up') {
      const peer = event.peer.bootId;
      this.share({ type: 'peerUp', peer, metBlank: this.membership.metBlank(peer) });
    }
    if (event.type === 'peer.down') this.share({ type: 'peerDown', peer: event.peer.bootId });
  }

  protected override routed(bootId: string, link: number | undefined): void {
    if (link === undefined) this.routes.delete(bootId);
    else this.routes.set(bootId, link);
  }

  /** Returns the answer, when the input was an update. */
  protected share(input: PresenceInput): number | undefined {
    let answer: number | undefined;
    for (const directive of this.presence.handle(input, this.now())) {
      if (directive.type === 'send') this.tell(directive);
      else if (directive.type === 'changed') this.changed(directive);
      else if (directive.type === 'answer') answer = directive.have;
      else if (directive.type === 'wakeAt') this.later(directive.atMs, () => this.share({ type: 'wake' }));
    }
    if (input.type === 'put') this.handle({ type: 'notBlank' });
    return answer;
  }

  private changed({ peer, joined, left, updated }: Extract<PresenceDirective, { type: 'changed' }>): void {
    const entries = peer === undefined ? this.own : (this.known.get(peer) ?? new Map<number, Entry>());
    if (peer !== undefined) this.known.set(peer, entries);
    for (const entry of joined) this.assert(!entries.has(entry.id), 'joins twice', entry);
    for (const entry of [...left, ...updated]) this.assert(entries.has(entry.id), 'was not there', entry);
    // What was told before is no news.
    for (const entry of updated)
      this.assert(Number(entry.meta) > Number(entries.get(entry.id)!.meta), 'is older than before', entry);
    for (const { id } of left) entries.delete(id);
    for (const entry of [...joined, ...updated]) entries.set(entry.id, entry);
    if (peer !== undefined) this.heard(peer, joined, left);
  }

  /** These entries of another node have joined or left. */
  protected heard(_from: string, _joined: readonly Entry[], _left: readonly Entry[]): void {}

  private assert(holds: boolean, what: string, entry: Entry): void {
    if (!holds) throw new Error(`seed ${this.world.seed}: ${this.name}: entry ${entry.id} ${what}`);
  }

  /** A request by the link of the moment: it may be lost, and its answer too. */
  private tell({ to, attempt, timeoutMs, update }: Send): void {
    this.later(this.now() + timeoutMs, () => this.share({ type: 'failed', peer: to, attempt, why: 'lost' }));
    this.by(to, (other) => {
      const have = other.hear(this.bootId, update);
      if (have === undefined) return;
      other.by(this.bootId, (self) => void self.share({ type: 'confirmed', peer: to, attempt, have }));
    });
  }

  /** As messaging does: nothing of whom we do not know as a peer. */
  private hear(from: string, update: Update): number | undefined {
    return this.view.has(from) ? this.share({ type: 'update', from, update }) : undefined;
  }

  private by(bootId: string, take: (other: SharingNode) => void): void {
    const end = this.byLink.get(this.routes.get(bootId) ?? -1);
    if (end?.isOpen) this.world.carry(end, ({ node }) => take(node as SharingNode));
  }

  /** At a time by the clock of this node. */
  protected later(atMs: number, run: () => void): void {
    const { incarnation } = this;
    this.world.at(this.inWorld(atMs), () =>
      this.whenRunning(() => {
        if (this.incarnation === incarnation) run();
      }),
    );
  }
}
