import { describeError } from '../errors/peerage-error.js';
import { stackOf } from '../errors/thrown.js';
import { isThenable } from '../time/waiting.js';
import type { AnswerBody, EventBody, MessageBody, RequestBody } from '../wire/message-frames.js';
import { FrameKind } from '../wire/frames.js';
import type { Peer } from '../membership/events.js';
import type { Mesh } from '../mesh/mesh.js';
import { errorOf, type Failure, failureOf, ownFailure } from './failure.js';
import type { Gate } from './gate.js';
import type { Handlers, NamedHandler } from './handlers.js';
import type { MessageContext } from './message.types.js';
import { contextOf, type PeerDirectory } from './peer-directory.js';
import type { Requests } from './requests.js';
import type { Tracing } from './tracing.js';
import type { Unhandled } from './unhandled.js';
import type { Work } from './work.js';

/** Fits into the shortest message that every node takes. */
const SHORT_TEXT = 1_024;

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
    switch (kind) {
      case FrameKind.event:
        return this.event(from, body as EventBody, left && contextOf(left, (body as EventBody)[0]));
      case FrameKind.request:
        return this.request(from, body as RequestBody);
      case FrameKind.reply:
        return this.resolve(from, body as AnswerBody);
      case FrameKind.error:
        return this.error(from, body as AnswerBody);
    }
    return undefined;
  }

  stop(): void {
    this.isStopped = true;
  }

  private resolve(from: string, [id, value]: AnswerBody): void {
    this.parts.requests.resolve(from, id, value);
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
    const [id, topic, data, trace] = body;
    if (this.mustWait(from, topic))
      return this.later(from, topic, (before) => this.request(from, body, before));
    const handlers = this.parts.handlers.of(topic);
    if (handlers?.length !== 1)
      return this.fail(from, id, noHandler(this.parts.mesh.self.name, topic, handlers));
    const context = sender ?? this.parts.directory.context(from, topic);
    return context && this.answer(from, id, handlers[0]!, data, context, trace);
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
    id: number,
    handler: NamedHandler,
    data: unknown,
    context: MessageContext,
    trace: unknown,
  ): unknown {
    const { work } = this.parts;
    try {
      const result = this.call(handler, data, context, trace);
      if (!isThenable(result)) return this.reply(from, id, result);
      work.begin();
      const threw = (error: unknown): void => this.threw(from, id, error);
      return Promise.resolve(result)
        .then((value) => this.reply(from, id, value))
        .catch(threw)
        .then(work.end);
    } catch (error) {
      this.threw(from, id, error);
    }
    return undefined;
  }

  private call(handler: NamedHandler, data: unknown, context: MessageContext, trace: unknown): unknown {
    const { tracing } = this;
    if (!tracing?.wants(context.topic)) return handler.handle(data as never, context);
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

  /** The connection broke when a part of the reply was sent. */
  replyLost(to: string, id: number): void {
    const message = `The connection broke while ${this.parts.mesh.self.name} sent its answer. The request was handled.`;
    this.fail(to, id, ownFailure('CONNECTION_LOST', message));
  }

  private threw(from: string, id: number, error: unknown): void {
    this.fail(from, id, failureOf(error, isProduction()));
  }

  private fail(from: string, id: number, failure: Failure): void {
    if (this.isStopped) return;
    try {
      this.parts.mesh.post(from, FrameKind.error, [id, failure]);
    } catch {
      // Its texts are longer than the peer takes messages.
      const { code, name, message } = failure;
      const short = {
        code,
        ...(name !== undefined && { name: 'Error' }),
        message: message.slice(0, SHORT_TEXT),
      };
      this.parts.mesh.post(from, FrameKind.error, [id, short]);
    }
  }

  private error(from: string, [id, failure]: AnswerBody): void {
    const node = this.parts.directory.nameOf(from);
    this.parts.requests.reject(from, id, errorOf(failure, node, isProduction()));
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

function noHandler(self: string, topic: string, handlers: readonly NamedHandler[] | undefined): Failure {
  const shown = JSON.stringify(topic);
  if (!handlers) return ownFailure('NO_HANDLER', `Nobody on ${self} handles ${shown}.`);
  const names = handlers.map(({ name }) => name).join(', ');
  return ownFailure(
    'AMBIGUOUS_HANDLER',
    `${self} has ${handlers.length} handlers of ${shown} (${names}): a request needs exactly one. Use a topic of its own for it.`,
  );
}

function isProduction(): boolean {
  return process.env['NODE_ENV'] === 'production';
}
