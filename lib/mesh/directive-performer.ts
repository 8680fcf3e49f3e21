import type { PeerEvent } from '../membership/events.js';
import type { Directive, Input } from '../membership/membership.types.js';
import { controlToWire } from '../wire/control-frames.js';
import { type ControlFrame, FrameKind } from '../wire/frames.js';
import type { Dials } from './dials.js';
import type { MeshLinks } from './mesh-links.js';
import type { MeshCounters } from './mesh-stats.js';
import type { MessageRoutes } from './message-routes.js';
import type { OwnNode } from './own-node.js';
import type { PendingDials } from './pending-dials.js';
import type { Prober } from './probes/prober.js';

/** What directives are carried out with. */
interface PerformerParts {
  readonly node: OwnNode;
  readonly dials: Dials;
  readonly links: MeshLinks;
  readonly messages: MessageRoutes;
  readonly pendingDials: PendingDials;
  readonly counters: MeshCounters;
  readonly prober: Prober;
  /** The port that this node listens on. */
  readonly listenPort: number;
  input(input: Input): void;
  emit(event: PeerEvent): void;
}

/** A directive that says more than when the core wants to be woken. */
export type Deed = Exclude<Directive, { type: 'wakeAt' }>;

/** Carries out what the membership core says. */
export class DirectivePerformer {
  constructor(private readonly parts: PerformerParts) {}

  perform(directive: Deed): void {
    const { counters, dials, links, messages, node, pendingDials, prober } = this.parts;
    switch (directive.type) {
      case 'dial':
        void dials.dial(directive.link, directive.host, directive.port);
        return;
      case 'reach':
        return this.reach(directive);
      case 'send':
        return this.send(directive);
      case 'established':
        links.get(directive.link)?.established();
        return;
      case 'close':
        dials.abort(directive.link);
        if (directive.drain) messages.linkEnds(directive.link);
        return links.close(directive.link, directive.drain);
      case 'outOfReach': {
        const link = links.get(directive.link);
        if (link) node.unreached(link.remoteAddress);
        return;
      }
      case 'attempt':
        counters.attempt(directive.result);
        return pendingDials.settle(directive.address, directive.result);
      case 'emit':
        return this.parts.emit(directive.event);
      case 'falseAlarm': {
        const { bootId, count } = directive;
        return counters.falseAlarm({ self: node.info, bootId, count });
      }
      case 'roundTrip':
        return counters.roundTrip(node.info, directive.ms);
      case 'probe':
        return prober.probe(directive);
      case 'route':
        return this.route(directive);
    }
  }

  private send({ link: id, frame }: Extract<Deed, { type: 'send' }>): void {
    const link = this.parts.links.get(id);
    if (frame.kind === 'leave') link?.unload();
    link?.send(FrameKind[frame.kind], controlToWire(frame), urgencyOf(frame));
  }

  /** Where another node says that it is, we may find ourselves: that is no proof. */
  private reach({ address, host, port }: Extract<Deed, { type: 'reach' }>): void {
    const { dials, listenPort, node } = this.parts;
    const isHere = port === listenPort && node.isHere(host);
    if (isHere) this.parts.input({ type: 'unreached', address, code: 'SELF' });
    else void dials.reach(address, host, port);
  }

  private route(directive: Extract<Deed, { type: 'route' }>): void {
    const { links, messages } = this.parts;
    const { bootId, link: id } = directive;
    const link = id === undefined ? undefined : links.get(id);
    if (id === undefined || !link) messages.unroute(bootId);
    else messages.route(bootId, id, link, directive.limits);
  }
}

/** A beat is urgent, and replaces one that could not be sent yet; unless only that one asks for an answer. */
function urgencyOf({ kind, body }: ControlFrame): string | undefined {
  return kind === 'beat' ? `beat ${body.now ?? false}` : undefined;
}
