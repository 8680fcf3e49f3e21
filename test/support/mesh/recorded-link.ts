import type { PeerageError, PeerageErrorCode } from '../../../lib/errors/peerage-error.js';
import type { Acceptor, Link } from '../../../lib/mesh/transport/transport.js';

export interface Closed {
  readonly code: string;
  readonly error: PeerageError | undefined;
}

/** A link that remembers what it was told, in order. */
export class RecordedLink {
  readonly log: string[] = [];
  readonly frames: { readonly kind: number; readonly body: any }[] = [];
  readonly closed: Promise<Closed>;
  onFrame: (kind: number, body: unknown) => void = () => undefined;
  private readonly waiting: { readonly frames: number; readonly resolve: () => void }[] = [];

  constructor(readonly link: Link) {
    this.closed = new Promise((resolve) => {
      link.open({
        heard: () => void this.log.push('heard'),
        frame: (kind, body) => this.record(kind, body),
        closed: (code, error) => {
          this.log.push(`closed ${code}`);
          resolve({ code, error });
        },
      });
    });
  }

  get bodies(): unknown[] {
    return this.frames.map(({ body }) => body as unknown);
  }

  /** Resolves once so many frames have come. */
  received(frames: number): Promise<void> {
    if (this.frames.length >= frames) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ frames, resolve }));
  }

  private record(kind: number, body: unknown): void {
    this.log.push(`frame ${kind}`);
    this.frames.push({ kind, body });
    this.onFrame(kind, body);
    for (const { frames, resolve } of this.waiting) if (this.frames.length >= frames) resolve();
  }
}

export interface Refusal {
  readonly address: string;
  readonly code: PeerageErrorCode;
  readonly message: string;
}

/** A door that opens every link at once, and remembers who was refused. */
export class RecordedAcceptor implements Acceptor {
  readonly links: RecordedLink[] = [];
  readonly refusals: Refusal[] = [];
  private readonly waiting: (() => void)[] = [];

  accepted(link: Link): void {
    this.links.push(new RecordedLink(link));
    this.wake();
  }

  refused(address: string, code: PeerageErrorCode, message: string): void {
    this.refusals.push({ address, code, message });
    this.wake();
  }

  /** The nth link, once it is there. */
  async link(index = 0): Promise<RecordedLink> {
    await this.until(() => this.links.length > index);
    return this.links[index]!;
  }

  /** The nth refusal, once it is there. */
  async refusal(index = 0): Promise<Refusal> {
    await this.until(() => this.refusals.length > index);
    return this.refusals[index]!;
  }

  private async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
