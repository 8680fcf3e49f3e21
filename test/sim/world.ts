import { addressOf } from '../../lib/naming/node-name.js';
import type { ControlFrame } from '../../lib/wire/frames.js';
import type { Input } from '../../lib/membership/membership.types.js';
import { PROBE_BYTES } from '../../lib/mesh/probes/probe-codec.js';
import { seededRandom } from './random.js';
import type { SimNode } from './sim-node.js';

/** How the virtual network treats packets. All times in milliseconds. */
export interface NetworkConditions {
  readonly delayMs: number;
  /** Up to this much more, uniformly. */
  readonly jitterMs: number;
  /** Share of packets lost; a stream retransmits them with doubling pauses, as TCP does. */
  readonly loss: number;
  /** Share of datagrams that arrive twice. With jitter, they also overtake each other. */
  readonly duplicates: number;
}

/** One end of a connection. */
export interface End {
  readonly node: SimNode;
  /** The core's number of it; none before a hello was read. */
  link: number | undefined;
  readonly pipe: Pipe;
  readonly side: 0 | 1;
  isOpen: boolean;
  /** What was sent from this end and is on its way, in order. */
  readonly sent: { readonly arrivalMs: number; readonly deliver: (to: End) => void }[];
  /** When the first thing arrived of which this end was not told, since the way back is cut. */
  unackedMs?: number;
}

/** A connection of the virtual network. */
export interface Pipe {
  readonly ends: readonly [End, End];
}

const RETRANSMIT_FIRST_MS = 200;
const RETRANSMIT_CAP_MS = 10_000;

/** A virtual network and clock: everything that happens is an event in one seeded, replayable order. */
export class World {
  nowMs = 0;
  readonly random: () => number;
  readonly nodes = new Map<string, SimNode>();
  readonly timeline: string[] = [];
  conditions: NetworkConditions = { delayMs: 0.5, jitterMs: 1, loss: 0, duplicates: 0 };
  /** Whether a packet from one host reaches another: of a stream, or a datagram. */
  reaches: (from: string, to: string, by?: 'tcp' | 'udp') => boolean = () => true;
  /** What a dial from one host to another meets, where packets get through: a firewall may be in the way. */
  door: (from: string, to: string) => 'open' | 'refused' | 'silent' = () => 'open';
  isUdpBlocked = false;
  /** What a handshake costs on the one processor that all nodes share, one after the other, also when nobody waits for it. */
  handshakeCpuMs = 0;
  private cpuFreeAtMs = 0;
  /** Whether the bytes that nodes send are counted. */
  isMetered = false;
  /** Whether what happens is noted, for people and for comparison. */
  keepsTimeline = true;
  private readonly heap: { atMs: number; order: number; run: () => void }[] = [];
  private order = 0;

  constructor(readonly seed: number) {
    this.random = seededRandom(seed);
  }

  at(atMs: number, run: () => void): void {
    const entry = { atMs: Math.max(atMs, this.nowMs), order: this.order++, run };
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isSooner(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  after(ms: number, run: () => void): void {
    this.at(this.nowMs + ms, run);
  }

  /** Runs everything that is due up to `untilMs`. */
  runUntil(untilMs: number): void {
    while (this.heap.length > 0 && this.heap[0]!.atMs <= untilMs) {
      const entry = this.takeFirst();
      this.nowMs = entry.atMs;
      entry.run();
    }
    this.nowMs = untilMs;
  }

  note(text: string): void {
    if (this.keepsTimeline) this.timeline.push(`${this.nowMs.toFixed(1).padStart(10)} ${text}`);
  }

  /** Opens a connection for `node`, as a kernel would: refused, in vain, or open. */
  dial(node: SimNode, link: number, host: string, port: number, timeoutMs: number): void {
    const started = node.incarnation;
    const target = () => this.nodes.get(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
    const tell = (run: () => void) => () => node.incarnation === started && run();
    const givenUpAtMs = this.nowMs + timeoutMs;
    const tryOnce = (pauseMs: number): void => {
      if (this.nowMs >= givenUpAtMs) {
        return node.whenRunning(
          tell(() => node.handle({ type: 'dialFailed', link, code: 'DIAL_TIMEOUT', message: 'no answer' })),
        );
      }
      const door = this.door(node.host, host);
      const isThrough = this.connects(node.host, host) && !this.isLost();
      if (!isThrough || door === 'silent' || target()?.isFrozen || target()?.hasPower === false)
        return this.after(pauseMs, () => tryOnce(pauseMs * 2));
      if (door === 'open')
        this.after(2 * this.transitMs(), () =>
          node.whenRunning(tell(() => node.handle({ type: 'opened', link }))),
        );
      this.after(3 * this.transitMs(), () => {
        const other = target();
        if (!other?.isAlive || door === 'refused') {
          const message = 'nobody listens there';
          node.whenRunning(
            tell(() => node.handle({ type: 'dialFailed', link, code: 'CONNECTION_REFUSED', message })),
          );
        } else {
          const { incarnation } = other;
          this.compute(
            givenUpAtMs,
            () => node.whenRunning(tell(() => this.open(node, link, other, incarnation))),
            () => node.whenRunning(tell(() => node.handle(tooLate(link)))),
          );
        }
      });
    };
    tryOnce(1_000);
  }

  /** Does the work of a handshake, when its turn comes. */
  private compute(untilMs: number, done: () => void, isLate: () => void): void {
    if (this.handshakeCpuMs === 0) return done();
    this.cpuFreeAtMs = Math.max(this.nowMs, this.cpuFreeAtMs) + this.handshakeCpuMs;
    if (this.cpuFreeAtMs < untilMs) this.at(this.cpuFreeAtMs, done);
    else this.at(untilMs, isLate);
  }

  /** Opens a connection and closes it at once. A kernel takes it, whatever its process does. */
  reach(node: SimNode, address: string, host: string): void {
    const started = node.incarnation;
    this.after(3 * this.transitMs(), () => {
      const isThrough = this.connects(node.host, host);
      const isTaken = isThrough && this.door(node.host, host) === 'open';
      const isReached = isTaken && this.nodes.get(address)?.isAlive === true;
      const tell = (): unknown =>
        node.incarnation === started &&
        node.handle(
          isReached ? { type: 'reached', address } : { type: 'unreached', address, code: 'DIAL_TIMEOUT' },
        );
      this.after(isReached ? 0 : 2_000, () => node.whenRunning(tell));
    });
  }

  /** Sends a UDP probe: it is answered by the worker of the very process, blocked or not, or lost. */
  probe(node: SimNode, target: { bootId: string; host: string; port: number; silentMs: number }): void {
    const { incarnation, bootId } = node;
    this.datagram(node.host, target.host, () => {
      const other = this.nodes.get(`${target.host}:${target.port}`);
      const isStopped = other?.isFrozen && other.blockedAtMs === undefined;
      if (!other?.isAlive || isStopped || other.bootId !== target.bootId) return;
      if (target.silentMs > 0 && !other.isFrozen)
        other.handle({ type: 'unheard', bootId, silentMs: target.silentMs });
      if (this.isMetered) other.bytes += PROBE_BYTES;
      const lagMs = other.blockedAtMs === undefined ? 0 : this.nowMs - other.blockedAtMs;
      this.datagram(target.host, node.host, () =>
        node.whenRunning(() => {
          if (node.incarnation === incarnation) node.handle({ type: 'probed', bootId: target.bootId, lagMs });
        }),
      );
    });
  }

  /** Arrives once, never, or twice. */
  private datagram(from: string, to: string, arrive: () => void): void {
    if (this.isUdpBlocked || !this.reaches(from, to, 'udp') || this.isLost()) return;
    this.after(this.transitMs(), arrive);
    if (this.random() < this.conditions.duplicates) this.after(this.transitMs(), arrive);
  }

  /** Sends a frame from one end; it arrives in order, or when the network lets it. */
  send(from: End, frame: ControlFrame): void {
    this.carry(from, (to) => to.node.receive(to, frame));
  }

  /** Sends anything from one end, among its frames. */
  carry(from: End, take: (to: End) => void): void {
    this.transmit(from, (to) => {
      if (to.isOpen && to.node.isAlive) to.node.whenRunning(() => to.isOpen && take(to));
      else if (from.isOpen && to.node.hasPower) this.transmit(to, (back) => this.ended(back, 'ECONNRESET'));
    });
  }

  /** Closes an end. The other one reads what was sent before, and then the end of the stream. */
  close(end: End, code: string): void {
    if (!end.isOpen) return;
    end.isOpen = false;
    end.node.ends.delete(end);
    this.transmit(end, (to) => this.ended(to, code));
  }

  /** All connections of a node are reset; the processes live. */
  reset(node: SimNode): void {
    this.note(`${node.name} loses its connections`);
    for (const { pipe } of [...node.ends]) for (const end of pipe.ends) this.tear(end);
  }

  private tear(end: End): void {
    if (!end.isOpen) return;
    end.isOpen = false;
    end.node.ends.delete(end);
    const { link } = end;
    if (link !== undefined)
      end.node.whenRunning(() => end.node.handle({ type: 'closed', link, code: 'ECONNRESET' }));
  }

  private open(node: SimNode, link: number, other: SimNode, incarnation: number): void {
    if (!other.isAlive || other.incarnation !== incarnation) {
      return node.handle({ type: 'dialFailed', link, code: 'CONNECTION_LOST', message: 'reset' });
    }
    const pipe = { ends: [] as unknown as [End, End] };
    pipe.ends[0] = { node, link, pipe, side: 0, isOpen: true, sent: [] };
    pipe.ends[1] = { node: other, link: undefined, pipe, side: 1, isOpen: true, sent: [] };
    node.ends.add(pipe.ends[0]);
    other.ends.add(pipe.ends[1]);
    node.byLink.set(link, pipe.ends[0]);
    node.handle({ type: 'dialled', link, address: addressOf(other.name) });
  }

  private ended(end: End, code: string): void {
    if (!end.isOpen) return;
    end.node.whenRunning(() => {
      if (!end.isOpen) return;
      end.isOpen = false;
      end.node.ends.delete(end);
      if (end.link !== undefined) end.node.handle({ type: 'closed', link: end.link, code });
    });
  }

  private transmit(from: End, deliver: (to: End) => void): void {
    const isFirst = from.sent.push({ arrivalMs: this.nowMs + this.transitMs(), deliver }) === 1;
    if (isFirst) this.at(from.sent[0]!.arrivalMs, () => this.arrive(from, RETRANSMIT_FIRST_MS));
  }

  /** The first thing on its way arrives, or is sent again; what comes after it waits: streams keep their order. */
  private arrive(from: End, pauseMs: number): void {
    const to = from.pipe.ends[from.side === 0 ? 1 : 0];
    if (!this.reaches(from.node.host, to.node.host, 'tcp') || this.isStuck(from, to) || this.isLost()) {
      this.after(pauseMs, () => this.arrive(from, Math.min(pauseMs * 2, RETRANSMIT_CAP_MS)));
      return;
    }
    from.sent[0]!.deliver(to);
    from.sent.shift();
    const next = from.sent[0];
    if (next) this.at(next.arrivalMs, () => this.arrive(from, RETRANSMIT_FIRST_MS));
  }

  /**
   * Whether a kernel sends nothing new from this end: what it has sent before is not acknowledged, so it sends that again
   * and again, and everything else waits.
   */
  private isStuck(from: End, to: End): boolean {
    if (this.reaches(to.node.host, from.node.host, 'tcp')) {
      delete from.unackedMs;
      return false;
    }
    from.unackedMs ??= this.nowMs;
    return this.nowMs - from.unackedMs > RETRANSMIT_FIRST_MS;
  }

  private connects(a: string, b: string): boolean {
    return this.reaches(a, b, 'tcp') && this.reaches(b, a, 'tcp');
  }

  private transitMs(): number {
    return this.conditions.delayMs + this.conditions.jitterMs * this.random();
  }

  private isLost(): boolean {
    return this.conditions.loss > 0 && this.random() < this.conditions.loss;
  }

  private takeFirst(): { atMs: number; run: () => void } {
    const { heap } = this;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isSooner(heap[child + 1]!, heap[child]!)) child++;
      if (!isSooner(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isSooner(a: { atMs: number; order: number }, b: { atMs: number; order: number }): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function tooLate(link: number): Input {
  return { type: 'dialFailed', link, code: 'HANDSHAKE_TIMEOUT', message: 'the handshake took too long' };
}
