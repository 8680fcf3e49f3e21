import { describeError, PeerageError } from '../errors/peerage-error.js';
import { FrameKind } from '../wire/messages.js';
import type { Mesh } from '../mesh/mesh.js';
import { errorOf, type Failure, failureOf, ownFailure } from './failure.js';
import type { Handlers, NamedHandler } from './handlers.js';
import type { MessageContext } from './message.types.js';
import type { PeerDirectory } from './peer-directory.js';
import type { Requests } from './requests.js';
import type { Tracing } from './tracing.js';
import type { Unhandled } from './unhandled.js';

export interface MessagingLog {
  warn(message: string): void;
  error(message: string, stack: string | undefined): void;
}

interface IncomingParts {
  readonly mesh: Pick<Mesh, 'self' | 'post'>;
  readonly directory: PeerDirectory;
  readonly requests: Requests;
  readonly handlers: Handlers;
  readonly unhandled: Unhandled;
  readonly log: MessagingLog;
}

/** Takes what peers send: messages to their handlers, answers to those who asked. */
export class Incoming {
  tracing: Tracing | undefined;
  private isStopped = false;

  constructor(private readonly parts: IncomingParts) {}

  /** @throws PeerageError `MALFORMED_FRAME` */
  take(from: string, kind: number, body: unknown): void {
    if (this.isStopped) return;
    if (!Array.isArray(body)) throw malformed();
    switch (kind) {
      case FrameKind.event:
        return this.event(from, body);
      case FrameKind.request:
        return this.request(from, body);
      case FrameKind.reply:
        return this.parts.requests.resolve(from, body[0] as number, body[1]);
      case FrameKind.error:
        return this.error(from, body);
    }
  }

  stop(): void {
    this.isStopped = true;
  }

  private event(from: string, [topic, data, trace]: readonly unknown[]): void {
    if (typeof topic !== 'string') throw malformed();
    const handlers = this.parts.handlers.of(topic);
    if (!handlers) return this.unhandled(from, topic);
    const context = this.parts.directory.context(from, topic);
    if (context) for (const handler of handlers) this.run(handler, data, context, trace);
  }

  private request(from: string, [id, topic, data, trace]: readonly unknown[]): void {
    if (typeof id !== 'number' || typeof topic !== 'string') throw malformed();
    const handlers = this.parts.handlers.of(topic);
    if (handlers?.length !== 1)
      return this.fail(from, id, noHandler(this.parts.mesh.self.name, topic, handlers));
    const context = this.parts.directory.context(from, topic);
    if (context) this.answer(from, id, handlers[0]!, data, context, trace);
  }

  private run(handler: NamedHandler, data: unknown, context: MessageContext, trace: unknown): void {
    try {
      const result = this.call(handler, data, context, trace);
      if (isThenable(result))
        result.then(undefined, (error: unknown) => this.failed(handler, context, error));
    } catch (error) {
      this.failed(handler, context, error);
    }
  }

  private answer(
    from: string,
    id: number,
    handler: NamedHandler,
    data: unknown,
    context: MessageContext,
    trace: unknown,
  ): void {
    try {
      const result = this.call(handler, data, context, trace);
      if (!isThenable(result)) return this.reply(from, id, result);
      const threw = (error: unknown): void => this.threw(from, id, error);
      result.then((value) => this.reply(from, id, value), threw).then(undefined, threw);
    } catch (error) {
      this.threw(from, id, error);
    }
  }

  private call(handler: NamedHandler, data: unknown, context: MessageContext, trace: unknown): unknown {
    const { tracing } = this;
    if (!tracing?.isOn()) return handler.handle(data as never, context);
    return tracing.process(context.topic, context.peer.name, trace, () =>
      handler.handle(data as never, context),
    );
  }

  /** @throws PeerageError `INVALID_MESSAGE` */
  private reply(from: string, id: number, value: unknown): void {
    if (this.isStopped || this.parts.mesh.post(from, FrameKind.reply, [id, value]) !== 'full') return;
    const message = `The answer of ${this.parts.mesh.self.name} found no room in its queue to you: it sends more than you read.`;
    this.fail(from, id, ownFailure('OVERLOADED', message));
  }

  private threw(from: string, id: number, error: unknown): void {
    this.fail(from, id, failureOf(error, isProduction()));
  }

  private fail(from: string, id: number, failure: Failure): void {
    if (!this.isStopped) this.parts.mesh.post(from, FrameKind.error, [id, failure]);
  }

  private error(from: string, [id, failure]: readonly unknown[]): void {
    const node = this.parts.directory.get(from)?.name ?? from;
    this.parts.requests.reject(from, id as number, errorOf(failure, node, isProduction()));
  }

  private unhandled(from: string, topic: string): void {
    if (!this.parts.unhandled.add(topic)) return;
    const name = this.parts.directory.get(from)?.name ?? from;
    this.parts.log.warn(
      `${name} sends messages on topic ${JSON.stringify(topic)}, which nobody here handles. They are dropped.`,
    );
  }

  private failed(handler: NamedHandler, { peer, topic }: MessageContext, error: unknown): void {
    const stack = error instanceof Error ? error.stack : undefined;
    const what = `${handler.name} failed on ${JSON.stringify(topic)} from ${peer.name}`;
    this.parts.log.error(`${what}: ${describeError(error)}`, stack);
  }
}

function noHandler(self: string, topic: string, handlers: readonly NamedHandler[] | undefined): Failure {
  const shown = JSON.stringify(topic);
  if (!handlers) return ownFailure('NO_HANDLER', `Nobody on ${self} handles ${shown}.`);
  const names = handlers.map(({ name }) => name).join(', ');
  return ownFailure(
    'AMBIGUOUS_HANDLER',
    `${self} has ${handlers.length} handlers of ${shown} (${names}): a request needs exactly one. Use a topic of its own for it.`,
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

function isProduction(): boolean {
  return process.env['NODE_ENV'] === 'production';
}

function malformed(): PeerageError {
  return new PeerageError('MALFORMED_FRAME', 'A message arrived that is none of ours.');
}
