import { Inject, Injectable, Logger } from '@nestjs/common';
import { PeerageError } from '../errors/peerage-error.js';
import type { PeerEvent } from '../membership/events.js';
import { Messaging } from '../messaging/messaging.js';
import type { Mesh } from '../mesh/mesh.js';
import type { NodeInfo } from '../naming/node-info.js';
import { keyFault } from '../naming/sendable-text.js';
import { readPlain } from '../settings/meta.js';
import { LOG_CONTEXT, PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import type { Clock } from '../time/clock.js';
import { PresenceCore } from './core/presence-core.js';
import type { Entry, Failure, PresenceDirective, PresenceInput } from './core/presence-core.types.js';
import { bytesOf, count, MAX_KEY, PRESENCE_TOPIC, readUpdate, updateToWire } from './presence-wire.js';
import { PresenceSpace } from './presence.space.js';
import type { PresenceEntry, TrackedEntry } from './presence.types.js';

type Changed = Extract<PresenceDirective, { type: 'changed' }>;

/** Entries of all nodes: carries out what the core says. */
@Injectable()
export class Presence {
  private readonly core: PresenceCore;
  private readonly spaces = new Map<string, PresenceSpace>();
  /** Those that somebody here has asked for. */
  private readonly wanted = new Set<string>();
  private readonly peers = new Map<string, NodeInfo>();
  /** Those who wait for something to be known. Each says whether it is. */
  private readonly waiting = new Set<() => boolean>();
  /** Changes that subscribers have not heard of: what one of them causes comes after what it heard, for all. */
  private readonly untold: (() => void)[] = [];
  private isTelling = false;
  private isStopped = false;
  private lastId = 0;
  private cancelWake: () => void = () => {};

  constructor(
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
    @Inject(PEERAGE_SETTINGS) { limits }: PeerageSettings,
    private readonly messaging: Messaging,
  ) {
    this.core = new PresenceCore(limits);
    messaging.handleEarly(PRESENCE_TOPIC, (body: unknown, { peer }) => {
      const update = readUpdate(body);
      return this.handle({ type: 'update', from: peer.bootId, update });
    });
    mesh.subscribe((event) => this.hear(event));
  }

  /** The entries of one name. Names that begin with `$` are the library's own. */
  of<T>(name: string): PresenceSpace<T> {
    const fault = keyFault(name, MAX_KEY);
    if (fault !== undefined) throw new PeerageError('INVALID_MESSAGE', `The name of a presence ${fault}.`);
    this.wanted.add(name);
    return this.space(name) as unknown as PresenceSpace<T>;
  }

  /** Whether this peer has told its entries, or is of a release that has none. */
  knows(bootId: string): boolean {
    return this.core.knows(bootId);
  }

  get knowsAll(): boolean {
    return this.core.knowsAll;
  }

  /** Resolves when this peer has told its entries, or is gone. */
  heard(bootId: string): Promise<void> {
    return this.until(() => this.knows(bootId) || !this.peers.has(bootId));
  }

  /** Resolves when every peer has heard what this node has now, or is gone. */
  told(): Promise<void> {
    const { sequence } = this.core;
    return this.until(() => this.core.isTold(sequence));
  }

  stop(): void {
    this.isStopped = true;
    this.cancelWake();
    this.look();
    for (const space of this.spaces.values()) space.complete();
  }

  private until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.add(() => {
        const isOver = this.isStopped || holds();
        if (isOver) resolve();
        return isOver;
      });
      this.look();
    });
  }

  private look(): void {
    for (const isOver of this.waiting) if (isOver()) this.waiting.delete(isOver);
  }

  private space(name: string): PresenceSpace {
    let space = this.spaces.get(name);
    if (!space) {
      space = new PresenceSpace(
        name,
        (...what) => this.track(...what),
        (node) => this.nodeNow(node),
      );
      this.spaces.set(name, space);
    }
    return space;
  }

  private track(space: string, key: string, meta: unknown): TrackedEntry<unknown> {
    const id = ++this.lastId;
    let isTracked = true;
    const put = (value: unknown): void => {
      const entry = entryOf(id, space, key, value);
      if (!this.core.hasRoom(entry.bytes, id)) throw full(space);
      this.handle({ type: 'put', entry });
    };
    put(meta);
    return {
      key,
      update: (value) => {
        if (isTracked) put(value);
      },
      untrack: () => {
        isTracked = false;
        this.handle({ type: 'drop', id });
      },
    };
  }

  private hear(event: PeerEvent): void {
    switch (event.type) {
      case 'peer.up':
        this.peers.set(event.peer.bootId, event.peer);
        return void this.handle({
          type: 'peerUp',
          peer: event.peer.bootId,
          metBlank: this.mesh.metBlank(event.peer.bootId),
        });
      case 'peer.down':
        this.handle({ type: 'peerDown', peer: event.peer.bootId });
        this.peers.delete(event.peer.bootId);
        return this.look();
      case 'peer.updated':
        this.peers.set(event.peer.bootId, event.peer);
    }
  }

  /** Returns the answer, when the input was an update. */
  private handle(input: PresenceInput): number | undefined {
    if (this.isStopped) return undefined;
    let answer: number | undefined;
    for (const directive of this.core.handle(input, this.clock.now())) {
      if (directive.type === 'answer') answer = directive.have;
      else this.perform(directive);
    }
    if (!this.core.isBlank) this.mesh.notBlank();
    this.tellAll();
    this.look();
    return answer;
  }

  private perform(directive: Exclude<PresenceDirective, { type: 'answer' }>): void {
    switch (directive.type) {
      case 'send':
        return void this.send(directive);
      case 'changed':
        return this.changed(directive);
      case 'overfull':
        return new Logger(LOG_CONTEXT).warn(
          `${this.nodeOf(directive.peer).name} tracks more than limits.presenceEntries or limits.presenceBytes allow ` +
            'here: what is beyond is not in our lists. Give all nodes the same limits.',
        );
      case 'unsendable': {
        const { space, key } = directive.entry;
        return new Logger(LOG_CONTEXT).warn(
          `${this.nodeOf(directive.peer).name} cannot be told of ${JSON.stringify(key)} in ${JSON.stringify(space)}: no ` +
            'message that it takes holds it. It is told of everything else.',
        );
      }
      case 'wakeAt':
        this.cancelWake();
        this.cancelWake = this.clock.after(
          Math.max(0, directive.atMs - this.clock.now()),
          () => this.handle({ type: 'wake' }),
          true,
        );
    }
  }

  private async send({
    to,
    attempt,
    timeoutMs,
    update,
  }: Extract<PresenceDirective, { type: 'send' }>): Promise<void> {
    try {
      const answer = await this.messaging.request(this.nodeOf(to), PRESENCE_TOPIC, updateToWire(update), {
        timeoutMs,
      });
      this.handle({ type: 'confirmed', peer: to, attempt, have: count(answer) });
    } catch (error) {
      this.handle({ type: 'failed', peer: to, attempt, why: failureOf(error) });
    }
  }

  private changed({ peer, joined, left, updated }: Changed): void {
    const node = this.nodeOf(peer);
    const spaces = new Map<string, { joined: Entry[]; left: Entry[]; updated: Entry[] }>();
    const sort = (entries: readonly Entry[], kind: 'joined' | 'left' | 'updated'): void => {
      for (const entry of entries) {
        let change = spaces.get(entry.space);
        if (!change) spaces.set(entry.space, (change = { joined: [], left: [], updated: [] }));
        change[kind].push(entry);
      }
    };
    sort(joined, 'joined');
    sort(left, 'left');
    sort(updated, 'updated');
    const told = (entries: readonly Entry[]) => entries.map((entry) => publicEntry(entry, node));
    for (const [name, of] of spaces) {
      const change = { joined: told(of.joined), left: told(of.left), updated: told(of.updated) };
      const space = this.space(name);
      space.apply(change);
      this.untold.push(() => space.tell(change));
      if (space.isEmpty && !this.wanted.has(name)) this.spaces.delete(name);
    }
  }

  private tellAll(): void {
    if (this.isTelling) return;
    this.isTelling = true;
    try {
      for (let next = this.untold.shift(); next; next = this.untold.shift()) next();
    } finally {
      this.isTelling = false;
    }
  }

  private nodeOf(peer: string | undefined): NodeInfo {
    return (peer !== undefined && this.peers.get(peer)) || this.mesh.self;
  }

  private nodeNow(node: NodeInfo): NodeInfo {
    const { self } = this.mesh;
    return node.bootId === self.bootId ? self : (this.peers.get(node.bootId) ?? node);
  }
}

function publicEntry({ id, key, meta }: Entry, node: NodeInfo): PresenceEntry<unknown> {
  return { id: `${node.bootId}:${id}`, key, meta, node };
}

/** @throws PeerageError `INVALID_MESSAGE` */
function entryOf(id: number, space: string, key: string, meta: unknown): Entry {
  const fault = keyFault(key, MAX_KEY);
  if (fault !== undefined) throw invalid(`a key ${fault}.`);
  const read = readPlain(meta, 'meta');
  if ('fault' in read) throw invalid(read.fault.message);
  return { id, space, key, meta: read.copy, bytes: bytesOf({ space, key }, read.bytes) };
}

function failureOf(error: unknown): Failure {
  const code = error instanceof PeerageError ? error.code : undefined;
  switch (code) {
    case 'REQUEST_TIMEOUT':
    case 'CONNECTION_LOST':
      return 'lost';
    case 'NO_HANDLER':
      return 'unknown';
    case 'INVALID_MESSAGE':
      return 'unsendable';
    case 'PEER_GONE':
    case 'NO_SUCH_PEER':
    case 'NOT_RUNNING':
      return 'gone';
    default:
      return 'other';
  }
}

function invalid(problem: string): PeerageError {
  return new PeerageError('INVALID_MESSAGE', `track(): ${problem}`);
}

function full(space: string): PeerageError {
  return new PeerageError(
    'OVERLOADED',
    `This node tracks as much as limits.presenceEntries and limits.presenceBytes allow, and ${JSON.stringify(space)} ` +
      'wants more: untrack some, or raise them on every node.',
  );
}
