import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { NodeInfo } from '../naming/node-info.js';

/** The kind byte of a frame. */
export const FrameKind = {
  hello: 1,
  welcome: 2,
  refuse: 3,
  beat: 4,
  leave: 5,
  peers: 6,
  digest: 7,
  ask: 8,
  answer: 9,
  meta: 10,
  event: 11,
  request: 12,
  reply: 13,
  error: 14,
  /** A piece of a longer message frame, without that one's length; more follow. */
  part: 15,
  lastPart: 16,
  leaving: 17,
  /** The sender takes so many bytes of messages more. */
  window: 18,
  /** A part of the answer to a request; more follow. */
  next: 19,
  /** The sender wants no answer to a request any more. */
  cancel: 20,
  /** The sender still waits for the answers to these requests. */
  keepAlive: 21,
  /** The sender has none of these requests, of which the receiver said that it waits. */
  unknown: 22,
} as const;

const KINDS: ReadonlySet<number> = new Set(Object.values(FrameKind));

/** Whether this release knows such frames. A newer one may have others. */
export function isKnownKind(kind: number): boolean {
  return KINDS.has(kind);
}

/** The versions of the wire that this release speaks: neighbours overlap, so a rolling upgrade is one mesh. */
export const WIRE_VERSIONS = { min: 1, max: 2 } as const;

/** The highest version that both sides speak, when there is one. */
export function commonVersion({ min, max }: Hello['versions']): number | undefined {
  const version = Math.min(max, WIRE_VERSIONS.max);
  return version >= Math.max(min, WIRE_VERSIONS.min) ? version : undefined;
}

/** What is said of another node whose versions we do not speak. */
export function versionMismatch({ min, max }: Hello['versions']): string {
  const ours = `${WIRE_VERSIONS.min} to ${WIRE_VERSIONS.max}`;
  return `it speaks wire versions ${min} to ${max}, we speak ${ours}; upgrade the older side`;
}

/** The least that every node takes as one frame: the longest control frame is shorter. */
export const MIN_FRAME_BYTES = 12 * 1024;

/** What a node takes at most, in bytes. Both are at least `MIN_FRAME_BYTES`. */
export interface WireLimits {
  /** Of one frame after the handshake. */
  readonly frameBytes: number;
  /** Of one message, in however many parts it comes. */
  readonly messageBytes: number;
}

/** What a node says of itself in a handshake. */
export interface Introduction {
  readonly versions: { readonly min: number; readonly max: number };
  readonly cluster: string;
  readonly node: NodeInfo;
  /** 32 random bytes of this process: UDP probes to it, and its answers, carry a MAC under them. */
  readonly probeKey: Uint8Array;
  /** Whether probes of the sender are answered while its main loop is blocked. */
  readonly answersProbes: boolean;
  /** How many peers the sender has. */
  readonly peers: number;
  /** Nothing of the sender has to be told to a newcomer: it has had no presence entries, and knows of no runs. */
  readonly blank?: true;
  /** What the sender takes. */
  readonly limits: WireLimits;
}

/** The dialer's first frame. */
export interface Hello extends Introduction {
  /** Random id of this connection, made by the dialer. */
  readonly connection: string;
}

/** The listener's answer when it takes the dialer. The dialer's first beat then ends the handshake. */
export interface Welcome extends Introduction {
  /** The one of both sides that this link speaks. */
  readonly version: number;
  /** The connection that the listener has with this dialer already. */
  readonly current?: string;
}

/** The listener's answer when it does not. */
export interface Refuse {
  readonly code: PeerageErrorCode;
  readonly message: string;
}

/** A sign of life, and a round-trip measurement on the side. Times are the sender's own milliseconds. */
export interface Beat {
  readonly sentAt: number;
  /** `sentAt` of the last beat that came from the other side… */
  readonly echo?: number;
  /** …and how long ago that came. */
  readonly heldMs?: number;
  /** The other side should beat back at once. */
  readonly now?: boolean;
  /** From now on the sender wants to hear the other side at least this often; 0: no more often than others. */
  readonly everyMs?: number;
  /** The sender suspects the other side, and has not heard it for so long. */
  readonly silentMs?: number;
  /** The sender cannot connect to the address in the other side's name: why. */
  readonly unreached?: string;
  /** Whether the sender answers probes while its main loop is blocked: told when that is not what it said before. */
  readonly answersProbes?: boolean;
}

/** The sender shuts down: it goes on answering, and says goodbye when all that is under way has ended. */
export interface Leaving {
  /** An answer: the receiver's own `leaving` has been heard. */
  readonly heard?: true;
}

/** Goodbye. `disconnected`: the app there ended this one connection; its node lives on. */
export interface Leave {
  readonly reason: 'left' | 'disconnected';
}

/** Whom the sender is connected to. */
export interface PeerList {
  readonly peers: readonly { readonly name: string; readonly bootId: string }[];
  /** The receiver should send its own list. */
  readonly want?: boolean;
}

/** A hash of the boot ids the sender knows alive, itself included. */
export interface Digest {
  readonly hash: number;
}

/** Does the receiver hear the node with this boot id? */
export interface Ask {
  readonly about: string;
}

/** An answer: `silentMs` since the node was last heard, none when it is not. Or a warning: `suspects`. */
export interface Answer {
  readonly about: string;
  readonly silentMs?: number;
  /** The sender watches that node and suspects it; the receiver should look for itself. */
  readonly suspects?: boolean;
}

/** The sender's meta changed, or its address: then its node has another name. */
export interface Meta {
  readonly meta: Readonly<Record<string, unknown>>;
  readonly node?: Pick<NodeInfo, 'name' | 'host' | 'port'>;
}

/** The frames that the membership core sends and takes. Their bodies are checked before they reach it. */
export type ControlFrame =
  | { readonly kind: 'hello'; readonly body: Hello }
  | { readonly kind: 'welcome'; readonly body: Welcome }
  | { readonly kind: 'refuse'; readonly body: Refuse }
  | { readonly kind: 'beat'; readonly body: Beat }
  | { readonly kind: 'leaving'; readonly body: Leaving }
  | { readonly kind: 'leave'; readonly body: Leave }
  | { readonly kind: 'peers'; readonly body: PeerList }
  | { readonly kind: 'digest'; readonly body: Digest }
  | { readonly kind: 'ask'; readonly body: Ask }
  | { readonly kind: 'answer'; readonly body: Answer }
  | { readonly kind: 'meta'; readonly body: Meta };
