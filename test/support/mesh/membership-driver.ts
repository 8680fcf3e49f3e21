import type { PeerageErrorCode } from '../../../lib/errors/peerage-error.js';
import type { PeerEvent } from '../../../lib/membership/events.js';
import type { NameExplanation } from '../../../lib/membership/explanation.js';
import type { ProbeCounts } from '../../../lib/membership/probe-notes.js';
import { Membership } from '../../../lib/membership/membership.js';
import type { Directive, Input, LinkId } from '../../../lib/membership/membership.types.js';
import { type ControlFrame, type Hello, type Welcome, WIRE_VERSIONS } from '../../../lib/wire/frames.js';
import { type NodeInfo } from '../../../lib/naming/node-info.js';
import { parseNodeName } from '../../../lib/naming/node-name.js';
import { DEFAULT_HEARTBEAT, DEFAULT_LIMITS, type LimitOptions } from '../../../lib/peerage.options.js';
import { seededRandom } from '../../sim/random.js';

type Frame<K extends ControlFrame['kind']> = Extract<ControlFrame, { kind: K }>;

const PROBE_KEY = new Uint8Array(32);

/** A node as it tells of itself. Boot ids sort like their digit. */
export function nodeOf(name: string, digit = '5', meta = {}): NodeInfo {
  const { host, port } = parseNodeName(name);
  return { name, host, port, bootId: digit.repeat(32), meta };
}

export const SELF = nodeOf('app@10.0.0.1', '5');

/** The core by itself: inputs in, directives out, and time by hand. */
export class MembershipDriver {
  readonly core: Membership;
  /** Every event so far. */
  readonly events: PeerEvent[] = [];
  /** What the last input led to. */
  last: Directive[] = [];
  nowMs = 0;
  private wakeAtMs: number | undefined;
  private connections = 0;

  constructor(limits: Partial<LimitOptions> = {}, self = SELF) {
    this.core = new Membership({
      self,
      cluster: 'blue',
      heartbeat: DEFAULT_HEARTBEAT,
      limits: { ...DEFAULT_LIMITS, ...limits },
      probeKey: PROBE_KEY,
      originMs: 0,
      random: seededRandom(1),
    });
  }

  handle(input: Input): Directive[] {
    this.last = this.core.handle(input, this.nowMs);
    for (const directive of this.last) {
      if (directive.type === 'emit') this.events.push(directive.event);
      if (directive.type === 'wakeAt') this.wakeAtMs = directive.atMs;
    }
    return this.last;
  }

  /** Time passes, and every wake-up comes when it was asked for. Returns all that it led to. */
  pass(ms: number): Directive[] {
    const endMs = this.nowMs + ms;
    const out: Directive[] = [];
    while (this.wakeAtMs !== undefined && this.wakeAtMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
      this.wakeAtMs = undefined;
      out.push(...this.handle({ type: 'wake' }));
    }
    this.nowMs = endMs;
    return out;
  }

  /** A provider's whole answer. Returns the dials that it led to. */
  answer(...names: string[]): DialDirective[] {
    return dialsOf(this.handle({ type: 'found', provider: 'list', names, as: 'answer' }));
  }

  hint(...names: string[]): DialDirective[] {
    return dialsOf(this.handle({ type: 'found', provider: 'udp', names, as: 'hint' }));
  }

  fail(link: LinkId, code: PeerageErrorCode = 'CONNECTION_REFUSED'): Directive[] {
    return this.handle({ type: 'dialFailed', link, code, message: `it failed with ${code}` });
  }

  /** The listener at the end of a dial takes us. */
  welcomed(link: LinkId, node: NodeInfo, more: Partial<Welcome> = {}): Directive[] {
    this.handle({ type: 'dialled', link, address: `${node.host}:${node.port}` });
    return this.welcome(link, node, more);
  }

  /** The listener takes us, after our hello. */
  welcome(link: LinkId, node: NodeInfo, more: Partial<Welcome> = {}): Directive[] {
    const body = {
      version: WIRE_VERSIONS.max,
      versions: WIRE_VERSIONS,
      cluster: 'blue',
      node,
      probeKey: PROBE_KEY,
      answersProbes: true,
      peers: 0,
      limits: DEFAULT_LIMITS,
      ...more,
    };
    return this.handle({ type: 'welcome', link, body });
  }

  /** Somebody calls and says hello. Returns its link; `last` is what came of it. */
  hello(node: NodeInfo, more: Partial<Hello> = {}): LinkId {
    const link = this.core.newLink();
    const connection = `connection ${(this.connections += 1)}`;
    const body = {
      versions: WIRE_VERSIONS,
      cluster: 'blue',
      connection,
      node,
      probeKey: PROBE_KEY,
      answersProbes: true,
      peers: 0,
      limits: DEFAULT_LIMITS,
      ...more,
    };
    this.handle({ type: 'hello', link, address: `${node.host}:40000`, body });
    return link;
  }

  beat(link: LinkId, echo?: number): Directive[] {
    return this.handle({
      type: 'beat',
      link,
      body: { sentAt: this.nowMs, ...(echo !== undefined && { echo }) },
    });
  }

  /** A peer, made by an inbound connection. */
  peer(node: NodeInfo): LinkId {
    const link = this.hello(node);
    this.beat(link);
    return link;
  }

  /** A connection to this node's address was taken. */
  reached({ host, port }: NodeInfo): void {
    this.handle({ type: 'reached', address: `${host}:${port}` });
  }

  notes(): string[] {
    return this.core.notes();
  }

  probeCounts(): ProbeCounts {
    return this.core.probeCounts();
  }

  explain(name: string): NameExplanation {
    return this.core.explain(this.nowMs, name)[0]!;
  }

  get names(): string[] {
    return this.core.peers().map(({ name }) => name);
  }
}

export type DialDirective = Extract<Directive, { type: 'dial' }>;

export function dialsOf(directives: Directive[]): DialDirective[] {
  return directives.filter((directive): directive is DialDirective => directive.type === 'dial');
}

/** The frames of one kind that go out on a link. */
export function sent<K extends ControlFrame['kind']>(
  directives: Directive[],
  kind: K,
  link?: LinkId,
): Frame<K>['body'][] {
  return directives.flatMap((directive) =>
    directive.type === 'send' && directive.frame.kind === kind && (link ?? directive.link) === directive.link
      ? [directive.frame.body as Frame<K>['body']]
      : [],
  );
}

export function closed(directives: Directive[]): LinkId[] {
  return directives.flatMap((directive) => (directive.type === 'close' ? [directive.link] : []));
}
