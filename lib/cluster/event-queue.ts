import { Logger } from '@nestjs/common';
import { describeError, stackOf } from '../errors/thrown.js';
import { LOG_CONTEXT } from '../peerage.constants.js';
import type { ClusterEvent } from './cluster.events.js';

/** Events of one peer that may wait for a handler. More means that it hangs. */
const MAX_WAITING = 1_000;

/**
 * Calls one handler of events, for one peer never twice at the same time: an event waits until the call with the one
 * before has ended. Events of different peers don't wait for each other.
 */
export class EventQueue {
  private readonly logger = new Logger(LOG_CONTEXT);
  /** What waits, by boot id. A key exists while a call is under way. */
  private readonly waiting = new Map<string, ClusterEvent[]>();
  private isOverfull = false;

  constructor(
    private readonly name: string,
    private readonly handle: (event: ClusterEvent) => unknown,
  ) {}

  push(event: ClusterEvent): void {
    const key = 'peer' in event ? event.peer.bootId : '';
    const waiting = this.waiting.get(key);
    if (!waiting) void this.run(key, event);
    else if (waiting.length < MAX_WAITING) waiting.push(event);
    else this.miss();
  }

  private miss(): void {
    if (!this.isOverfull)
      this.logger.error(
        `${this.name} hangs: ${MAX_WAITING} events wait for it, and it misses those that follow.`,
      );
    this.isOverfull = true;
  }

  private async run(key: string, first: ClusterEvent): Promise<void> {
    const waiting: ClusterEvent[] = [];
    this.waiting.set(key, waiting);
    for (let event: ClusterEvent | undefined = first; event; event = waiting.shift()) await this.call(event);
    this.waiting.delete(key);
    this.isOverfull = false;
  }

  private async call(event: ClusterEvent): Promise<void> {
    try {
      await this.handle(event);
    } catch (error) {
      this.logger.error(`${this.name} failed on ${event.type}: ${describeError(error)}`, stackOf(error));
    }
  }
}
