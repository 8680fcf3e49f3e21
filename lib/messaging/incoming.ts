import { describeError, PeerageError } from '../errors/peerage-error.js';
import { stackOf } from '../errors/thrown.js';
import { isThenable } from '../time/waiting.js';
import type {
  CancelBody,
  ErrorBody,
  EventBody,
  IdsBody,
  MessageBody,
  NextBody,
  ReplyBody,
  RequestBody,
} from '../wire/message-frames.js';
import { FrameKind } from '../wire/frames.js';
import type { Peer } from '../membership/events.js';
import type { Mesh } from '../mesh/mesh.js';
import { errorOf, failureOf, ownFailure, saysUntouched } from './failure.js';
import type { Gate } from './gate.js';
import type { Handlers, NamedHandler } from './handlers.js';
import type { IncomingRequest, IncomingRequests } from './incoming-requests.js';
import type { MessageContext } from './message.types.js';
import type { OutgoingRequests } from './outgoing-requests.js';
import { contextOf, type PeerDirectory } from './peer-directory.js';
import type { Tracing } from './tracing.js';
import type { Unhandled } from './unhandled.js';
import type { Work } from './work.js';

export interface MessagingLog {
  warn(message: string): void;
  error(message: string, stack: string | undefined): void;
}

interface IncomingParts {
  readonly mesh: Pick<Mesh, 'self'>;
  readonly directory: PeerDirectory;
  /** The requests of this node. */
  readonly outgoing: OutgoingRequests;
  /** Those of others. */
  readonly requests: IncomingRequests;
  readonly handlers: Handlers;
  readonly unhandled: Unhandled;
  readonly log: MessagingLog;
  readonly gate: Gate;
  /** The requests and messages that handlers are at work on. */
  readonly work: Work;
}

/** Takes what peers send: messages to their handlers, answers to those who asked. */
export class Incoming {
  tracing: Tracing | undefined;
  private isStopped = false;

  constructor(private readonly parts: IncomingParts) {}

  /**
   * Returns a promise when handlers take their time, which never rejects.
   *
   * @param left the sender, when it has said goodbye since
   * @throws PeerageError `MALFORMED_FRAME`
   */
  take(from: string, kind: number, body: MessageBody, left?: Peer): unknown {
    if (this.isStopped) return undefined;
    const { outgoing, requests } = this.parts;
    switch (kind) {
      case FrameKind.event:
        return this.event(from, body as EventBody, left && contextOf(left, (body as EventBody)[0]));
      case FrameKind.request:
        return this.request(from, body as RequestBody);
      case FrameKind.reply:
        return outgoing.end(from, body as ReplyBody);
      case FrameKind.error:
        return this.failure(from, body as ErrorBody);
      case FrameKind.next:
        return outgoing.next(from, body as NextBody);
      case FrameKind.cancel:
        return requests.cancel(from, (body as CancelBody)[0]);
      case FrameKind.keepAlive:
        return requests.keepAlive(from, body as IdsBody);
      case FrameKind.unknown:
        return outgoing.unknown(from, body as IdsBody);
    }
    return undefined;
  }

  stop(): void {
    this.isStopped = true;
    this.parts.requests.stop();
  }

  /** `sender`: as it was when the message came, when that was before now. */
  private event(from: string, body: EventBody, sender?: MessageContext): unknown {
    const [topic, data, trace] = body;
    if (this.mustWait(from, topic))
      return this.later(from, topic, (before) => this.event(from, body, sender ?? before));
    const handlers = this.parts.handlers.of(topic);
    if (!handlers) return this.unhandled(sender?.peer.name ?? this.parts.directory.nameOf(from), topic);
    const context = sender ?? this.parts.directory.context(from, topic);
    if (!context) return undefined;
    if (handlers.length === 1) return this.run(handlers[0]!, data, context, trace);
    const runs = handlers.map((handler) => this.run(handler, data, context, trace));
    return runs.some((run) => run) ? Promise.all(runs) : undefined;
  }

  private request(from: string, body: RequestBody, sender?: MessageContext): unknown {
    const { requests, mesh, handlers, directory } = this.parts;
    const [id, topic] = body;
    if (requests.wasCancelled(from, id)) return undefined;
    if (this.mustWait(from, topic)) return this.requestLater(from, body);
    const found = handlers.of(topic);
    if (found?.length !== 1)
      return requests.fail(from, id, ownFailure(noHandler(mesh.self.name, topic, found), true));
    const [handler] = found as [NamedHandler];
    const context = sender ?? directory.context(from, topic);
    if (!context) return undefined;
    return handler.answer
      ? this.serve(from, body, handler, context)
      : this.answer(from, body, handler, context);
  }

  /** It is one of those that are known meanwhile. */
  private requestLater(from: string, body: RequestBody): unknown {
    const { requests } = this.parts;
    const held = requests.open(from, body[0], false);
    return this.later(from, body[1], (before) => {
      if (held.isOver) return undefined;
      requests.close(held);
      return this.request(from, body, before);
    });
  }

  /** The app is not ready, and another node wants something of it. */
  private mustWait(from: string, topic: string): boolean {
    const { gate, mesh, handlers } = this.parts;
    return !gate.isOpen && from !== mesh.self.bootId && handlers.of(topic)?.[0]?.isEarly !== true;
  }

  /** Does `work` when the app is ready. Its sender may be gone by then, so it is looked up now. */
  private later(from: string, topic: string, work: (sender?: MessageContext) => unknown): unknown {
    const sender = this.parts.directory.context(from, topic);
    return this.parts.gate.pass(() => (this.isStopped ? undefined : work(sender)), from);
  }

  private run(handler: NamedHandler, data: unknown, context: MessageContext, trace: unknown): unknown {
    try {
      const result = this.call(handler, data, context, trace);
      if (isThenable(result)) {
        const { work } = this.parts;
        work.begin();
        return Promise.resolve(result)
          .catch((error: unknown) => this.failed(handler, context, error))
          .then(work.end);
      }
    } catch (error) {
      this.failed(handler, context, error);
    }
    return undefined;
  }

  private answer(
    from: string,
    [id, , data, trace]: RequestBody,
    handler: NamedHandler,
    context: MessageContext,
  ): unknown {
    const { work, requests } = this.parts;
    try {
      const result = this.call(handler, data, context, trace);
      if (!isThenable(result)) return requests.reply(from, id, result);
      work.begin();
      const request = requests.open(from, id, false);
      return Promise.resolve(result)
        .then((value) => this.answered(request, value))
        .catch((error: unknown) => this.threw(request, error))
        .then(work.end);
    } catch (error) {
      requests.fail(from, id, failureOf(error, isProduction()));
    }
    return undefined;
  }

  /** @throws PeerageError `INVALID_MESSAGE` */
  private answered(request: IncomingRequest, value: unknown): void {
    const { requests } = this.parts;
    if (!request.isOver) requests.reply(request.from, request.id, value);
    requests.close(request);
  }

  private threw(request: IncomingRequest, error: unknown): void {
    if (!request.isOver) request.fail(failureOf(error, isProduction()));
  }

  /** By a handler that answers as it likes. */
  private serve(
    from: string,
    [id, , data, trace]: RequestBody,
    handler: NamedHandler,
    context: MessageContext,
  ): unknown {
    const { work, requests } = this.parts;
    const request = requests.open(from, id, true);
    work.begin();
    request.onOver(work.end);
    return this.call(handler, data, context, trace, request);
  }

  private call(
    { handle, answer }: NamedHandler,
    data: unknown,
    context: MessageContext,
    trace: unknown,
    request?: IncomingRequest,
  ): unknown {
    const { tracing } = this;
    const run = (): unknown => (request ? answer!(data, context, request) : handle(data as never, context));
    if (!tracing?.wants(context.topic)) return run();
    return tracing.process(context.topic, context.peer.name, trace, run);
  }

  private failure(from: string, [id, failure]: ErrorBody): void {
    const { directory, outgoing } = this.parts;
    const error = errorOf(failure, directory.nameOf(from), isProduction());
    outgoing.fail(from, id, error, saysUntouched(failure));
  }

  private unhandled(name: string, topic: string): void {
    if (!this.parts.unhandled.add(topic)) return;
    this.parts.log.warn(
      `${name} sends messages on topic ${JSON.stringify(topic)}, which nobody here handles. They are dropped.`,
    );
  }

  private failed(handler: NamedHandler, { peer, topic }: MessageContext, error: unknown): void {
    const what = `${handler.name} failed on ${JSON.stringify(topic)} from ${peer.name}`;
    this.parts.log.error(`${what}: ${describeError(error)}`, stackOf(error));
  }
}

function noHandler(self: string, topic: string, handlers: readonly NamedHandler[] | undefined): PeerageError {
  const shown = JSON.stringify(topic);
  if (!handlers) return new PeerageError('NO_HANDLER', `Nobody on ${self} handles ${shown}.`);
  const names = handlers.map(({ name }) => name).join(', ');
  return new PeerageError(
    'AMBIGUOUS_HANDLER',
    `${self} has ${handlers.length} handlers of ${shown} (${names}): a request needs exactly one. Use a topic of its own for it.`,
  );
}

function isProduction(): boolean {
  return process.env['NODE_ENV'] === 'production';
}
