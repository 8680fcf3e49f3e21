import { Injectable } from '@nestjs/common';
import type { ClusterEvent, ClusterEventType } from './cluster.events.js';
import { EventHub } from './event-hub.js';
import { HandlerQueue } from './handler-queue.js';

/** A decorated method. */
export interface ClusterHandler {
  readonly types: readonly ClusterEventType[];
  /** `Class.method`, for logs. */
  readonly name: string;
  readonly handle: (event: ClusterEvent) => unknown;
}

/** Binds the decorated methods to the events. */
@Injectable()
export class ClusterOrchestrator {
  private readonly handlers: ClusterHandler[] = [];

  constructor(private readonly hub: EventHub) {}

  add(handler: ClusterHandler): void {
    this.handlers.push(handler);
  }

  /** From now on every handler hears its events. */
  mount(): void {
    for (const { types, name, handle } of this.handlers) {
      const queue = new HandlerQueue(name, handle);
      for (const type of new Set(types)) this.hub.on(type, (event) => queue.push(event));
    }
  }
}
