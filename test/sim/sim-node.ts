import type { PeerEvent } from '../../lib/membership/events.js';
import { Membership } from '../../lib/membership/membership.js';
import type { Directive, Input } from '../../lib/membership/membership.types.js';
import { PROBE_BYTES } from '../../lib/mesh/probes/probe-codec.js';
import { controlToWire } from '../../lib/wire/control-frames.js';
import { encodeFrame } from '../../lib/wire/frame-writer.js';
import { type ControlFrame, FrameKind } from '../../lib/wire/frames.js';
import { formatNodeName } from '../../lib/naming/node-name.js';
import { DEFAULT_HEARTBEAT, DEFAULT_LIMITS } from '../../lib/peerage.options.js';
import type { End, World } from './world.js';

/** Processes do not wake exactly when they asked for it. */
const TIMER_SLACK_MS = 2;

/** A process on a host of its own, driving the membership core over the virtual network. */
export class SimNode {
  readonly port = 4370;
  readonly name: string;
  readonly ends = new Set<End>();
  readonly byLink = new Map<number, End>();
  /** What its app was told, over all incarnations: by boot id of the observer. */
  readonly events: { observer: string; event: PeerEvent; atMs: number }[] = [];
  /** Boot ids of those who are up, as its app was told. */
  readonly view = new Set<string>();
  /** Those of them that shut down, as its app was told. */
  readonly leaving = new Set<string>();
  /** How fast this node's clock runs, and what it showed at the beginning of the world. */
  clock = { rate: 1, offsetMs: 0 };
  /** Frames and datagrams that this node sent, and dials that it made, over all incarnations. */
  sent = 0;
  /** Bytes of these, without what TLS, TCP and UDP add, while the world is metered. */
  bytes = 0;
  dials = 0;
  isAlive = false;
  /** Since when it says that it shuts down, while it does. */
  drainingAtMs: number | undefined;
  /** A host without power refuses nothing: it does not answer. */
  hasPower = true;
  isFrozen = false;
  /** Since when the main loop is blocked, while it is. */
  blockedAtMs: number | undefined;
  bootId = '';
  /** Counts starts: what a former process left under way does not touch its successor. */
  incarnation = 0;
  membership!: Membership;
  private wakeAtMs: number | undefined;
  private waiting: (() => void)[] = [];

  constructor(
    readonly world: World,
    readonly host: string,
  ) {
    this.name = formatNodeName({ app: 'app', host, port: this.port });
    world.nodes.set(`${host}:${this.port}`, this);
  }

  start(): void {
    this.incarnation += 1;
    this.bootId = Array.from({ length: 4 }, () =>
      Math.floor(this.world.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
    this.isAlive = true;
    this.hasPower = true;
    this.isFrozen = false;
    this.blockedAtMs = undefined;
    this.drainingAtMs = undefined;
    this.waiting = [];
    this.wakeAtMs = undefined;
    this.byLink.clear();
    this.view.clear();
    this.leaving.clear();
    this.membership = new Membership({
      self: { name: this.name, bootId: this.bootId, host: this.host, port: this.port, meta: {} },
      cluster: 'app',
      heartbeat: DEFAULT_HEARTBEAT,
      limits: { ...DEFAULT_LIMITS, peers: 2_000 },
      probeKey: new Uint8Array(32),
      originMs: 0,
      random: this.world.random,
    });
    this.world.note(`${this.name} starts as ${this.bootId.slice(0, 4)}`);
  }

  /** SIGKILL: the kernel closes its connections. */
  kill(): void {
    this.world.note(`${this.name} is killed`);
    this.die('EOF');
  }

  /** Power cut: nobody is told. */
  vanish(): void {
    this.world.note(`${this.name} loses power`);
    this.isAlive = false;
    this.hasPower = false;
    for (const end of this.ends) end.isOpen = false;
    this.ends.clear();
  }

  /** It shuts down, and has something to finish first. */
  drain(): void {
    this.world.note(`${this.name} drains`);
    this.drainingAtMs = this.world.nowMs;
    this.handle({ type: 'drain' });
  }

  leave(): void {
    this.world.note(`${this.name} leaves`);
    this.handle({ type: 'stop' });
    this.die('EOF');
  }

  /** The main loop is blocked; the worker thread still answers probes. */
  block(): void {
    this.world.note(`${this.name} blocks`);
    this.isFrozen = true;
    this.blockedAtMs = this.world.nowMs;
  }

  freeze(): void {
    this.world.note(`${this.name} freezes`);
    this.isFrozen = true;
    this.blockedAtMs = undefined;
  }

  thaw(): void {
    if (!this.isFrozen || !this.isAlive) return;
    this.world.note(`${this.name} thaws`);
    this.isFrozen = false;
    this.blockedAtMs = undefined;
    // Timers come before sockets in a turn of the event loop.
    if (this.wakeAtMs !== undefined && this.wakeAtMs < this.world.nowMs) this.wake();
    for (const run of this.waiting.splice(0)) run();
  }

  /** Runs now, or when the process runs again; never when it is gone. */
  whenRunning(run: () => void): void {
    if (this.isFrozen) this.waiting.push(run);
    else if (this.isAlive) run();
  }

  receive(end: End, frame: ControlFrame): void {
    if (frame.kind === 'hello') {
      end.link = this.membership.newLink();
      this.byLink.set(end.link, end);
      this.handle({
        type: 'hello',
        link: end.link,
        address: `${end.pipe.ends[0].node.host}:50000`,
        body: frame.body,
      });
    } else if (end.link !== undefined) {
      this.handle({ type: 'heard', link: end.link });
      this.handle({ type: frame.kind, link: end.link, body: frame.body } as Input);
    }
  }

  handle(input: Input): void {
    if (!this.isAlive) return;
    for (const directive of this.membership.handle(input, this.now())) this.perform(directive);
  }

  now(): number {
    return this.world.nowMs * this.clock.rate + this.clock.offsetMs;
  }

  protected inWorld(atMs: number): number {
    return (atMs - this.clock.offsetMs) / this.clock.rate;
  }

  private perform(directive: Directive): void {
    switch (directive.type) {
      case 'dial':
        this.dials += 1;
        return this.world.dial(
          this,
          directive.link,
          directive.host,
          directive.port,
          DEFAULT_LIMITS.handshakeMs,
        );
      case 'reach':
        return this.world.reach(this, directive.address, directive.host);
      case 'send': {
        const end = this.byLink.get(directive.link);
        this.sent += 1;
        if (this.world.isMetered) this.bytes += bytesOf(directive.frame);
        if (end?.isOpen) this.world.send(end, directive.frame);
        return;
      }
      case 'close': {
        const end = this.byLink.get(directive.link);
        this.byLink.delete(directive.link);
        if (end) this.world.close(end, 'EOF');
        return;
      }
      case 'probe':
        this.sent += 1;
        if (this.world.isMetered) this.bytes += PROBE_BYTES;
        return this.world.probe(this, directive);
      case 'emit':
        if (this.world.keepsTimeline)
          this.world.note(`${this.name} (${this.bootId.slice(0, 4)}): ${describe(directive.event)}`);
        this.see(directive.event);
        this.events.push({ observer: this.bootId, event: directive.event, atMs: this.world.nowMs });
        return this.told(directive.event);
      case 'route':
        return this.routed(directive.bootId, directive.link);
      case 'wakeAt': {
        const atMs = this.inWorld(directive.atMs);
        const { incarnation } = this;
        this.wakeAtMs = atMs;
        this.world.at(atMs + TIMER_SLACK_MS * this.world.random(), () => {
          if (this.incarnation !== incarnation || this.wakeAtMs !== atMs || this.isFrozen) return;
          this.wake();
        });
      }
    }
  }

  private see(event: PeerEvent): void {
    if (event.type === 'peer.up') this.view.add(event.peer.bootId);
    else if (event.type === 'peer.leaving') this.leaving.add(event.peer.bootId);
    else if (event.type === 'peer.down') {
      this.view.delete(event.peer.bootId);
      this.leaving.delete(event.peer.bootId);
    }
  }

  /** The membership core told the app something. */
  protected told(_event: PeerEvent): void {}

  /** Messages for a peer go by this link from now on. */
  protected routed(_bootId: string, _link: number | undefined): void {}

  private wake(): void {
    this.wakeAtMs = undefined;
    this.handle({ type: 'wake' });
  }

  private die(code: string): void {
    this.isAlive = false;
    this.isFrozen = false;
    for (const end of [...this.ends]) this.world.close(end, code);
  }
}

function bytesOf(frame: ControlFrame): number {
  return encodeFrame(FrameKind[frame.kind], controlToWire(frame), Number.MAX_SAFE_INTEGER).length;
}

function describe(event: PeerEvent): string {
  if (event.type === 'peer.refused') return `${event.type} ${event.direction} ${event.address} ${event.code}`;
  const reason = event.type === 'peer.down' ? ` (${event.reason})` : '';
  return `${event.type} ${event.peer.name} ${event.peer.bootId.slice(0, 4)}${reason}`;
}
