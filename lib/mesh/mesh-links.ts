import { PeerageError, type PeerageErrorCode } from '../errors/peerage-error.js';
import type { Input, LinkId } from '../membership/membership.types.js';
import { type ControlFrame, FrameKind, isKnownKind, WIRE_VERSIONS } from '../wire/frames.js';
import type { Clock } from '../time/clock.js';
import { readControlFrame } from '../wire/control-frames.js';
import { isMessage } from '../wire/message-frames.js';
import type { Link } from './transport/transport.js';

/** Bytes that keep arriving are reported no more often than this. */
const HEARD_EVERY_MS = 100;

/** Where what the links bring goes. */
interface LinkOwner {
  /** Whether inbound connections are taken. */
  isOpen(): boolean;
  newLink(): LinkId;
  input(input: Input): void;
  /** A message came, maybe by a link that is only being drained. */
  message(id: LinkId, link: Link, kind: number, body: unknown, bytes: number): void;
  /** The other side takes so many bytes of messages more. */
  window(id: LinkId, bytes: number): void;
  /** A link is gone, told of or not. */
  gone(id: LinkId): void;
  refused(address: string, code: PeerageErrorCode, message: string): void;
}

/** The open links, by the core's numbers: turns what they bring into inputs. */
export class MeshLinks {
  private readonly links = new Map<LinkId, Link>();
  /** Hellos of dialers that came before we take any. */
  private readonly early = new Set<() => void>();
  /** Those whose other end speaks a newer version, too: it may have frames that we do not know. */
  private readonly newer = new Set<LinkId>();

  constructor(
    private readonly clock: Clock,
    private readonly owner: LinkOwner,
  ) {}

  get(id: LinkId): Link | undefined {
    return this.links.get(id);
  }

  /** An inbound link gets a number with its hello; anything else it says first is refused. */
  accept(link: Link): void {
    let id: LinkId | undefined;
    let admit: (() => void) | undefined;
    link.open({
      frame: (kind, body, bytes) => {
        if (id !== undefined) this.frame(id, link, kind, body, bytes);
        else if (this.owner.isOpen()) id = this.hello(link, kind, body);
        else if (admit) link.destroy(new PeerageError('MALFORMED_FRAME', 'A frame before our welcome.'));
        else this.early.add((admit = () => (id = this.hello(link, kind, body))));
      },
      heard: this.hearing(() => id),
      closed: (code, error) => {
        if (admit) this.early.delete(admit);
        if (id !== undefined) this.closed(id, code, error);
        else if (error) this.owner.refused(link.remoteAddress, error.code, error.message);
      },
    });
  }

  /** From now on inbound links are taken: first those that wait. */
  admit(): void {
    for (const admit of this.early) admit();
    this.early.clear();
  }

  /** The link of a dial. */
  take(link: Link, id: LinkId): void {
    this.links.set(id, link);
    link.open({
      frame: (kind, body, bytes) => this.frame(id, link, kind, body, bytes),
      heard: this.hearing(() => id),
      closed: (code, error) => this.closed(id, code, error),
    });
  }

  /** Nothing of this link is told any more, but messages. `drain`: what is queued is sent first. */
  close(id: LinkId, drain: boolean): void {
    const link = this.links.get(id);
    this.links.delete(id);
    if (drain) link?.end();
    else link?.destroy();
  }

  private hello(link: Link, kind: number, body: unknown): LinkId | undefined {
    const frame = read(link, kind, body);
    if (frame?.kind !== 'hello') {
      if (frame) link.destroy(new PeerageError('NOT_PEERAGE', 'The first frame was no hello.'));
      return undefined;
    }
    const id = this.owner.newLink();
    this.links.set(id, link);
    this.introduced(id, frame);
    this.owner.input({ type: 'hello', link: id, address: link.remoteAddress, body: frame.body });
    return id;
  }

  private frame(id: LinkId, link: Link, kind: number, body: unknown, bytes: number): void {
    if (isMessage(kind)) return this.owner.message(id, link, kind, body, bytes);
    if (!this.links.has(id) || (this.newer.has(id) && !isKnownKind(kind))) return;
    if (kind === FrameKind.window) return this.window(id, link, body);
    const frame = read(link, kind, body);
    if (!frame) return;
    this.introduced(id, frame);
    if (frame.kind === 'hello') link.destroy(new PeerageError('MALFORMED_FRAME', 'A second hello.'));
    else this.owner.input({ ...frame, type: frame.kind, link: id } as Input);
  }

  private window(id: LinkId, link: Link, body: unknown): void {
    if (typeof body === 'number' && body > 0 && Number.isSafeInteger(body)) this.owner.window(id, body);
    else link.destroy(new PeerageError('MALFORMED_FRAME', 'A window is no number of bytes.'));
  }

  private introduced(id: LinkId, { kind, body }: ControlFrame): void {
    if (kind !== 'hello' && kind !== 'welcome') return;
    if (body.versions.max > WIRE_VERSIONS.max) this.newer.add(id);
  }

  private hearing(id: () => LinkId | undefined): () => void {
    let reportedAtMs = Number.NEGATIVE_INFINITY;
    return () => {
      const link = id();
      const nowMs = this.clock.now();
      if (link === undefined || nowMs - reportedAtMs < HEARD_EVERY_MS || !this.links.has(link)) return;
      reportedAtMs = nowMs;
      this.owner.input({ type: 'heard', link });
    };
  }

  private closed(id: LinkId, code: string, error: PeerageError | undefined): void {
    this.owner.gone(id);
    this.newer.delete(id);
    if (!this.links.delete(id)) return;
    this.owner.input({
      type: 'closed',
      link: id,
      code,
      ...(error && { fault: { code: error.code, message: error.message } }),
    });
  }
}

function read(link: Link, kind: number, body: unknown): ControlFrame | undefined {
  try {
    return readControlFrame(kind, body);
  } catch (error) {
    const { code, message } = error as PeerageError;
    // The other side should know what to do about it.
    if (kind === FrameKind.hello && code === 'VERSION_MISMATCH') {
      link.send(FrameKind.refuse, { code, message });
      link.end();
    } else link.destroy(error as PeerageError);
    return undefined;
  }
}
