import { describeError, peerageCodeOf } from '../errors/peerage-error.js';
import type { Input, LinkId } from '../membership/membership.types.js';
import type { Link, Transport } from './transport/transport.js';

/** Who takes what becomes of dials. */
interface DialsOwner {
  taken(link: Link, id: LinkId): void;
  input(input: Input): void;
}

/** The dials under way. Nothing is told once they have ended. */
export class Dials {
  private readonly dials = new Map<LinkId, AbortController>();
  private readonly ended = new AbortController();

  constructor(
    private readonly transport: Transport,
    private readonly owner: DialsOwner,
  ) {}

  async dial(id: LinkId, host: string, port: number): Promise<void> {
    const abort = new AbortController();
    this.dials.set(id, abort);
    try {
      const link = await this.transport.dial(host, port, abort.signal, () => this.opened(id));
      if (this.ended.signal.aborted || abort.signal.aborted) return link.destroy();
      this.owner.taken(link, id);
      this.owner.input({ type: 'dialled', link: id, address: link.remoteAddress });
    } catch (error) {
      const message = describeError(error);
      if (!this.ended.signal.aborted)
        this.owner.input({
          type: 'dialFailed',
          link: id,
          code: peerageCodeOf(error) ?? 'UNREACHABLE',
          message,
        });
    } finally {
      this.dials.delete(id);
    }
  }

  /** Whether somebody takes connections there. */
  async reach(address: string, host: string, port: number): Promise<void> {
    try {
      await this.transport.reach(host, port, this.ended.signal);
      if (!this.ended.signal.aborted) this.owner.input({ type: 'reached', address });
    } catch (error) {
      if (!this.ended.signal.aborted)
        this.owner.input({ type: 'unreached', address, code: peerageCodeOf(error) ?? 'UNREACHABLE' });
    }
  }

  private opened(id: LinkId): void {
    if (!this.ended.signal.aborted) this.owner.input({ type: 'opened', link: id });
  }

  abort(id: LinkId): void {
    this.dials.get(id)?.abort();
  }

  end(): void {
    this.ended.abort();
    for (const dial of this.dials.values()) dial.abort();
  }
}
