import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { HeartbeatOptions, LimitOptions } from '../peerage.options.js';
import type { NodeInfo } from '../naming/node-info.js';
import type { PeerEvent } from './events.js';
import type { AttemptResult } from './explanation.js';
import type {
  Answer,
  Ask,
  Beat,
  ControlFrame,
  Digest,
  Hello,
  Leave,
  Leaving,
  Meta,
  PeerList,
  Refuse,
  Welcome,
  WireLimits,
} from '../wire/frames.js';

/** A connection, from its dial or its hello to its end. Numbered by the core, never reused. */
export type LinkId = number;

export interface MembershipConfig {
  readonly self: NodeInfo;
  readonly cluster: string;
  readonly heartbeat: HeartbeatOptions;
  readonly limits: LimitOptions;
  /** Told to peers in the handshake: see `Hello.probeKey`. */
  readonly probeKey: Uint8Array;
  /** Wall-clock milliseconds at monotonic 0: for `connectedAt` only. */
  readonly originMs: number;
  /** Uniform in [0, 1). Passed in, so that a seed replays a run. */
  readonly random: () => number;
}

/** What of this node may change while it runs. Its boot id never does. */
export type SelfChange = Partial<Pick<NodeInfo, 'name' | 'host' | 'port' | 'meta'>>;

/** What happened. */
export type Input =
  /** A provider's whole answer, or something just heard of. Canonical names. */
  | {
      readonly type: 'found';
      readonly provider: string;
      readonly names: readonly string[];
      readonly as: 'answer' | 'hint';
    }
  | { readonly type: 'connect'; readonly name: string }
  | { readonly type: 'disconnect'; readonly name: string }
  /** This node has other meta, or another address. */
  | { readonly type: 'changeSelf'; readonly change: SelfChange }
  /** A dial that the core asked for was answered, has an authenticated link, or failed. */
  | { readonly type: 'opened'; readonly link: LinkId }
  | { readonly type: 'dialled'; readonly link: LinkId; readonly address: string }
  | {
      readonly type: 'dialFailed';
      readonly link: LinkId;
      readonly code: PeerageErrorCode;
      readonly message: string;
    }
  /** The connection of a `reach` was taken, or not. */
  | { readonly type: 'reached'; readonly address: string }
  | { readonly type: 'unreached'; readonly address: string; readonly code: PeerageErrorCode }
  /** Frames. A `hello` brings a link that the core has not seen before. */
  | { readonly type: 'hello'; readonly link: LinkId; readonly address: string; readonly body: Hello }
  | { readonly type: 'welcome'; readonly link: LinkId; readonly body: Welcome }
  | { readonly type: 'refuse'; readonly link: LinkId; readonly body: Refuse }
  | { readonly type: 'beat'; readonly link: LinkId; readonly body: Beat }
  | { readonly type: 'leaving'; readonly link: LinkId; readonly body: Leaving }
  | { readonly type: 'leave'; readonly link: LinkId; readonly body: Leave }
  | { readonly type: 'peers'; readonly link: LinkId; readonly body: PeerList }
  | { readonly type: 'digest'; readonly link: LinkId; readonly body: Digest }
  | { readonly type: 'ask'; readonly link: LinkId; readonly body: Ask }
  | { readonly type: 'answer'; readonly link: LinkId; readonly body: Answer }
  | { readonly type: 'meta'; readonly link: LinkId; readonly body: Meta }
  /**
   * A probe came back from this very process, `ageMs` ago (we may have been blocked since); its main loop was
   * `lagMs` behind then.
   */
  | { readonly type: 'probed'; readonly bootId: string; readonly lagMs: number; readonly ageMs?: number }
  /** A genuine probe of a peer has arrived, and was answered. */
  | { readonly type: 'probedBy'; readonly bootId: string }
  /** A probe could not be sent from here. */
  | { readonly type: 'unsent'; readonly bootId: string; readonly code: string }
  /** Whether probes of us are answered from now on while our main loop is blocked. They are, until this says no. */
  | { readonly type: 'answersProbes'; readonly isSo: boolean }
  /** From now on something of ours has to be told to newcomers. */
  | { readonly type: 'notBlank' }
  /** A peer probes us, since it has not heard us for so long. */
  | { readonly type: 'unheard'; readonly bootId: string; readonly silentMs: number }
  /** Bytes arrived on a link. */
  | { readonly type: 'heard'; readonly link: LinkId }
  /** A link is gone; the core hears nothing of it again. */
  | {
      readonly type: 'closed';
      readonly link: LinkId;
      readonly code: string;
      /** Why we closed it, when the other side is to blame. */
      readonly fault?: { readonly code: PeerageErrorCode; readonly message: string };
    }
  /** The time of a `wakeAt` has come. */
  | { readonly type: 'wake' }
  /** This node shuts down, and `stop` follows. Until then it is a member like any other, and says so. */
  | { readonly type: 'drain' }
  | { readonly type: 'stop' };

/** What is to be done about it. */
export type Directive =
  | { readonly type: 'dial'; readonly link: LinkId; readonly host: string; readonly port: number }
  /** Find out whether a connection to this address is taken; nothing is said on it. */
  | { readonly type: 'reach'; readonly address: string; readonly host: string; readonly port: number }
  | { readonly type: 'send'; readonly link: LinkId; readonly frame: ControlFrame }
  /** Send one UDP probe. */
  | {
      readonly type: 'probe';
      readonly bootId: string;
      readonly host: string;
      readonly port: number;
      readonly key: Uint8Array;
      /** For how long we have not heard it; 0 when we have. */
      readonly silentMs: number;
    }
  /** The handshake is over. */
  | { readonly type: 'established'; readonly link: LinkId }
  /** Messages for this peer go by this link; without one, they wait for the next `route` or for its end. */
  | { readonly type: 'route'; readonly bootId: string; readonly link: LinkId; readonly limits: WireLimits }
  | { readonly type: 'route'; readonly bootId: string; readonly link: undefined }
  /** `drain`: what is queued is sent first. The core is done with the link. */
  | { readonly type: 'close'; readonly link: LinkId; readonly drain: boolean }
  /** Nobody can connect to the address in our name, says this peer, and all others do. */
  | { readonly type: 'outOfReach'; readonly link: LinkId }
  /** One attempt to reach an address ended. */
  | { readonly type: 'attempt'; readonly address: string; readonly result: AttemptResult }
  | { readonly type: 'emit'; readonly event: PeerEvent }
  /** A process that was declared down is back: it was not, for the `count`th time. */
  | { readonly type: 'falseAlarm'; readonly bootId: string; readonly count: number }
  /** A beat was answered. */
  | { readonly type: 'roundTrip'; readonly ms: number }
  /** Call `handle({ type: 'wake' })` then. Replaces the one before. */
  | { readonly type: 'wakeAt'; readonly atMs: number };
