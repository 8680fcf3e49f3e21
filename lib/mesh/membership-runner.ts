import { Membership } from '../membership/membership.js';
import type { Directive, Input, LinkId, MembershipConfig } from '../membership/membership.types.js';
import type { Clock } from '../time/clock.js';
import { inRootContext } from '../time/root-context.js';
import type { Deed } from './directive-performer.js';
import { faultOf } from './fault.js';
import type { Link } from './transport/transport.js';

/** What surrounds a {@link MembershipRunner}. */
interface MembershipRunnerOwner {
  /** Carries out what the core says, but for its wake-ups. */
  perform(directive: Deed): void;
  /** Every input has been handled. */
  settled(): void;
  link(id: LinkId): Link | undefined;
  /** Takes an error of ours: no input of another node caused it. */
  fault(error: unknown): void;
}

/** Runs the membership core in real time: its inputs one after the other, its wake-ups, and what it says is to be done. */
export class MembershipRunner {
  readonly core: Membership;
  private readonly inputs: Input[] = [];
  private isHandling = false;
  private isStopped = false;
  private cancelWake: () => void = () => {};

  constructor(
    config: MembershipConfig,
    private readonly clock: Clock,
    private readonly owner: MembershipRunnerOwner,
  ) {
    this.core = new Membership(config);
  }

  /** Also those that a listener causes while another one is being handled have their turn. */
  input(input: Input): void {
    this.inputs.push(input);
    if (this.isHandling) return;
    this.isHandling = true;
    inRootContext(() => this.handleAll());
  }

  /** Handles nothing any more. */
  stop(): void {
    this.isStopped = true;
    this.cancelWake();
  }

  private handleAll(): void {
    try {
      for (let next = this.inputs.shift(); next; next = this.inputs.shift()) {
        if (!this.isStopped) this.handle(next);
      }
      this.owner.settled();
    } finally {
      this.isHandling = false;
    }
  }

  /** What a link brings harms that link, and nothing else. */
  private handle(input: Input): void {
    const errors: unknown[] = [];
    const attempt = <T>(act: () => T): T | undefined => {
      try {
        return act();
      } catch (error) {
        errors.push(error);
        return undefined;
      }
    };
    const directives = attempt(() => this.core.handle(input, this.clock.now())) ?? [];
    for (const directive of directives) attempt(() => this.perform(directive));
    if (errors.length === 0) return;
    const link = 'link' in input ? this.owner.link(input.link) : undefined;
    if (link) link.destroy(faultOf(errors[0]));
    else this.owner.fault(errors[0]);
  }

  private perform(directive: Directive): void {
    if (directive.type === 'wakeAt') this.wakeAt(directive.atMs);
    else this.owner.perform(directive);
  }

  private wakeAt(atMs: number): void {
    this.cancelWake();
    const waitMs = Math.max(0, atMs - this.clock.now());
    this.cancelWake = this.clock.after(waitMs, () => this.input({ type: 'wake' }));
  }
}
