import type { IncomingRequest } from './incoming-requests.js';
import type { MessageContext, MessageHandler } from './message.types.js';

/** Answers a request by itself, in as many parts as it likes. What it returns says until when it is handled, and does not reject. */
export type RequestHandler = (data: unknown, context: MessageContext, request: IncomingRequest) => unknown;

export interface NamedHandler {
  /** For logs and errors. */
  readonly name: string;
  readonly handle: MessageHandler<never>;
  /** Takes the requests in place of `handle`. */
  readonly answer?: RequestHandler;
  /** Called also before the app is ready: it is no part of the app. */
  readonly isEarly?: boolean;
}

/** Who handles which topic. */
export class Handlers {
  private readonly byTopic = new Map<string, readonly NamedHandler[]>();

  /** In the order they were added. Undefined when there is none. */
  of(topic: string): readonly NamedHandler[] | undefined {
    return this.byTopic.get(topic);
  }

  /** Returns the function that takes it away again. */
  add(topic: string, handler: NamedHandler): () => void {
    this.byTopic.set(topic, [...(this.byTopic.get(topic) ?? []), handler]);
    return () => this.remove(topic, handler);
  }

  private remove(topic: string, handler: NamedHandler): void {
    const left = this.byTopic.get(topic)?.filter((each) => each !== handler) ?? [];
    if (left.length > 0) this.byTopic.set(topic, left);
    else this.byTopic.delete(topic);
  }
}
