import { Injectable } from '@nestjs/common';
import { Gate } from '../messaging/gate.js';
import { Messaging } from '../messaging/messaging.js';
import { Ownership } from '../ownership/ownership.service.js';
import type { ClusterEventType } from './cluster.events.js';
import { EventHub } from './event-hub.js';
import { EventQueue } from './event-queue.js';

/** A decorated method. */
interface ClusterHandler {
  /** The cluster events it hears. */
  readonly types: readonly ClusterEventType[];
  /** The topics of the messages it handles. */
  readonly topics: readonly string[];
  /** Whether it runs on the coordinator. */
  readonly leads: boolean;
  /** `Class.method`, for logs. */
  readonly name: string;
  readonly handle: (...args: readonly unknown[]) => unknown;
}

/** Binds the decorated methods to events, messages and the lead. */
@Injectable()
export class ClusterOrchestrator {
  private readonly handlers: ClusterHandler[] = [];
  /** Those that decorated methods handle. */
  readonly topics = new Set<string>();

  constructor(
    private readonly hub: EventHub,
    private readonly messaging: Messaging,
    private readonly gate: Gate,
    private readonly ownership: Ownership,
  ) {}

  add(handler: ClusterHandler): void {
    this.handlers.push(handler);
  }

  /** From now on every handler that was added hears its events and messages, and leads when this node does. */
  mount(): void {
    for (const { types, topics, leads, name, handle } of this.handlers.splice(0)) {
      const queue = new EventQueue(name, handle);
      for (const type of new Set(types))
        this.hub.on(type, (event) => void this.gate.pass(() => queue.push(event)));
      for (const topic of new Set(topics)) {
        this.topics.add(topic);
        this.messaging.handle(topic, handle, name);
      }
      if (leads) void this.gate.pass(() => this.ownership.lead(name, handle));
    }
  }
}
