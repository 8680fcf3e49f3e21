import type { PeerEvent } from '../../lib/membership/events.js';
import type { Input } from '../../lib/membership/membership.types.js';
import { FormerOpeners } from '../../lib/ownership/core/former-openers.js';
import { Holdings } from '../../lib/ownership/core/holdings.js';
import type { HoldingsInput } from '../../lib/ownership/core/holdings.js';
import { isSettled } from '../../lib/ownership/core/settling.js';
import { DEFAULT_HEARTBEAT, DEFAULT_OWNERSHIP } from '../../lib/peerage.options.js';
import type { Entry } from '../../lib/presence/core/presence-core.types.js';
import { SharingNode } from './sharing-node.js';

const LOOK_MS = 25;
const SPACE = '$keys';
export const KEYS: readonly string[] = Array.from({ length: 8 }, (_, i) => `key ${i}`);

/** What holds a key ends so long after it is told to, at most. */
const END_MS = 500;

/** A node whose app holds keys among those that have opened one space. */
export class HoldingNode extends SharingNode {
  /** The keys of what runs here: until it has ended. */
  readonly held = new Set<string>();
  private holdings = new Holdings(this.options);
  private former = new FormerOpeners();
  private isSettled = false;
  private isPolled = false;
  private startedAtMs = 0;
  private frozenAtMs: number | undefined;

  private get options() {
    return { handoverMs: DEFAULT_OWNERSHIP.handoverMs, awayMs: DEFAULT_HEARTBEAT.downMs };
  }

  override start(): void {
    super.start();
    this.held.clear();
    this.holdings = new Holdings(this.options);
    this.former = new FormerOpeners();
    this.isSettled = false;
    this.isPolled = false;
    this.startedAtMs = this.now();
    this.frozenAtMs = undefined;
    this.share({ type: 'put', entry: { id: 0, space: SPACE, key: 'rooms', meta: {}, bytes: 1 } });
    KEYS.forEach((key, id) => this.hold({ type: 'want', id, key }));
    this.settle();
  }

  override handle(input: Input): void {
    super.handle(input);
    this.isPolled ||= input.type === 'found';
  }

  /** Others may have taken it for dead: before anything else it lets go of what it held. */
  override thaw(): void {
    const awayMs = this.frozenAtMs === undefined ? 0 : this.now() - this.frozenAtMs;
    this.frozenAtMs = undefined;
    super.thaw();
    const isStillHeld = KEYS.some((_, id) => this.holdings.isHeld(id));
    if (this.isAlive && isStillHeld && awayMs > this.options.awayMs + LOOK_MS)
      throw new Error(`seed ${this.world.seed}: ${this.name} holds on after ${awayMs.toFixed(0)} ms`);
  }

  override freeze(): void {
    this.frozenAtMs = this.now();
    super.freeze();
  }

  override block(): void {
    this.frozenAtMs = this.now();
    super.block();
  }

  override drain(): void {
    super.drain();
    this.look();
  }

  protected override told(event: PeerEvent): void {
    super.told(event);
    this.look();
  }

  protected override heard(from: string, joined: readonly Entry[], left: readonly Entry[]): void {
    if (left.some(({ space }) => space === SPACE)) this.former.add(from, SPACE);
    if ([...joined, ...left].some(({ space }) => space === SPACE)) this.look();
  }

  private settle(): void {
    const seen = {
      sinceMs: this.now() - this.startedAtMs,
      isPolled: this.isPolled,
      hasPeers: this.view.size > 0,
      isCalm: !this.membership.isDialling,
      allTold: this.presence.knowsAll,
    };
    this.isSettled = isSettled(seen, { settleMs: DEFAULT_OWNERSHIP.settleMs, pollMs: 5_000 });
    if (this.isSettled) return this.look();
    this.later(this.now() + LOOK_MS, () => this.settle());
  }

  private look(): void {
    const openers = [...this.known].filter(([, entries]) => entries.get(0)?.space === SPACE);
    const opened = new Set(openers.map(([bootId]) => bootId));
    const isOpener = (bootId: string): boolean =>
      opened.has(bootId) || (this.former.has(bootId, SPACE) && !this.presence.knows(bootId));
    const others = this.membership
      .peers()
      .filter(({ bootId, status }) => status !== 'leaving' && isOpener(bootId));
    const members = others.map(({ name }) => name);
    const isMember = this.isSettled && this.drainingAtMs === undefined;
    this.hold({
      type: 'view',
      members: isMember ? [...members, this.name] : members,
      ...(isMember && { self: this.name }),
    });
  }

  private hold(input: HoldingsInput): void {
    for (const directive of this.holdings.handle(input, this.now())) {
      if (directive.type === 'wakeAt') this.later(directive.atMs, () => this.hold({ type: 'wake' }));
      else if (directive.type === 'begin') this.held.add(KEYS[directive.id]!);
      else {
        const { id } = directive;
        this.later(this.now() + END_MS * this.world.random(), () => {
          this.held.delete(KEYS[id]!);
          this.hold({ type: 'ended', id, failed: false });
        });
      }
    }
  }
}
