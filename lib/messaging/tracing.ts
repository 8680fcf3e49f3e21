import { describeError, toError } from '../errors/thrown.js';

/** What is used of `@opentelemetry/api`, so that its types are not needed. */
export interface OpenTelemetryApi {
  readonly ROOT_CONTEXT: object;
  readonly context: { active(): object; with<T>(context: object, run: () => T): T };
  readonly propagation: {
    fields(): readonly string[];
    inject(context: object, carrier: object): void;
    extract(context: object, carrier: object): object;
  };
  readonly trace: {
    getTracer(name: string): { startSpan(name: string, options: object, context: object): Span };
    setSpan(context: object, span: Span): object;
  };
  readonly SpanKind: { readonly PRODUCER: number; readonly CONSUMER: number };
  readonly SpanStatusCode: { readonly ERROR: number };
}

interface Span {
  recordException(error: unknown): void;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

/** Makes a span of every message, and carries the trace along. */
export class Tracing {
  constructor(private readonly api: OpenTelemetryApi) {}

  /** Whether an SDK is there that carries traces anywhere. */
  isOn(): boolean {
    return this.api.propagation.fields().length > 0;
  }

  /** Whether messages of this topic are traced: not those by which the library talks to itself. */
  wants(topic: unknown): boolean {
    return this.isOn() && !String(topic).startsWith('$$');
  }

  /** Runs what sends a message, with the headers that go along. The span ends with it. */
  send<T>(topic: string, peer: string | undefined, run: (headers: Record<string, string>) => T): T {
    const { api } = this;
    const span = this.start('send', topic, peer, api.SpanKind.PRODUCER, api.context.active());
    const context = api.trace.setSpan(api.context.active(), span);
    const headers: Record<string, string> = {};
    api.propagation.inject(context, headers);
    return this.follow(span, () => api.context.with(context, () => run(headers)));
  }

  /** Runs a handler in the trace that came along; in a new one when none did. */
  process<T>(topic: string, peer: string, headers: unknown, run: () => T): T {
    const { api } = this;
    const carrier = typeof headers === 'object' && headers !== null ? headers : {};
    // Never the context of the socket: that is whatever was going on when it was dialled.
    const remote = api.propagation.extract(api.ROOT_CONTEXT, carrier);
    const span = this.start('process', topic, peer, api.SpanKind.CONSUMER, remote);
    return this.follow(span, () => api.context.with(api.trace.setSpan(remote, span), run));
  }

  private start(
    operation: 'send' | 'process',
    topic: string,
    peer: string | undefined,
    kind: number,
    context: object,
  ): Span {
    const attributes = {
      'messaging.system': 'peerage',
      'messaging.operation.name': operation,
      'messaging.operation.type': operation,
      'messaging.destination.name': topic,
      ...(peer !== undefined && { 'peerage.peer.name': peer }),
    };
    return this.api.trace
      .getTracer('nestjs-peerage')
      .startSpan(`${operation} ${topic}`, { kind, attributes }, context);
  }

  private follow<T>(span: Span, run: () => T): T {
    try {
      const result = run();
      if (!(result instanceof Promise)) span.end();
      else
        result.then(
          () => span.end(),
          (error: unknown) => this.fail(span, error),
        );
      return result;
    } catch (error) {
      this.fail(span, error);
      throw error;
    }
  }

  private fail(span: Span, error: unknown): void {
    span.recordException(toError(error));
    span.setStatus({
      code: this.api.SpanStatusCode.ERROR,
      message: describeError(error),
    });
    span.end();
  }
}

type LoadedApi = OpenTelemetryApi & { readonly default?: OpenTelemetryApi };

/** Tracing with the app's `@opentelemetry/api`; undefined when it has none: the package is optional. */
export async function loadTracing(): Promise<Tracing | undefined> {
  try {
    // Left to run time: webpack fails on a package that is not installed, within `try` too.
    const api = (await import(/* webpackIgnore: true */ '@opentelemetry/api')) as LoadedApi;
    return new Tracing(api.trace ? api : api.default!);
  } catch {
    return undefined;
  }
}
