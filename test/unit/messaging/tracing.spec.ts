import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadTracing, type OpenTelemetryApi, Tracing } from '../../../lib/messaging/tracing.js';
import { MessageWorld } from '../../support/mesh/message-world.js';

interface NotedSpan {
  readonly name: string;
  readonly kind: number;
  readonly id: string;
  readonly parent: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly errors: string[];
  isOver: boolean;
}

/** As much of OpenTelemetry as matters here, with every span kept. */
function fakeApi() {
  const spans: NotedSpan[] = [];
  const storage = new AsyncLocalStorage<object>();
  const root = {};
  const current = new WeakMap<object, { id: string }>();
  let fields = ['traceparent'];
  const api: OpenTelemetryApi = {
    ROOT_CONTEXT: root,
    context: { active: () => storage.getStore() ?? root, with: (context, run) => storage.run(context, run) },
    propagation: {
      fields: () => fields,
      inject: (context, carrier) => void Object.assign(carrier, { traceparent: current.get(context)?.id }),
      extract: (context, carrier) => {
        const { traceparent } = carrier as { traceparent?: string };
        if (traceparent === undefined) return context;
        const extracted = {};
        current.set(extracted, { id: traceparent });
        return extracted;
      },
    },
    trace: {
      getTracer: () => ({
        startSpan: (name, options, context) => {
          const { kind, attributes } = options as Pick<NotedSpan, 'kind' | 'attributes'>;
          const id = `span ${spans.length}`;
          const span: NotedSpan = {
            name,
            kind,
            id,
            parent: current.get(context)?.id,
            attributes,
            errors: [],
            isOver: false,
          };
          spans.push(span);
          return {
            id,
            recordException: (error: unknown) => void span.errors.push((error as Error).message),
            setStatus: () => undefined,
            end: () => void (span.isOver = true),
          };
        },
      }),
      setSpan: (context, span) => {
        const inner = { ...context };
        current.set(inner, span as unknown as { id: string });
        return inner;
      },
    },
    SpanKind: { PRODUCER: 3, CONSUMER: 4 },
    SpanStatusCode: { ERROR: 2 },
  };
  return {
    api,
    spans,
    storage,
    off: () => void (fields = []),
    within: () => current.get(api.context.active())?.id,
  };
}

describe('tracing', () => {
  let world: MessageWorld;
  let fake: ReturnType<typeof fakeApi>;
  beforeEach(() => {
    world = new MessageWorld();
    fake = fakeApi();
  });
  afterEach(() => world.stop());
  const nodes = () => world.nodes(2, {}, new Tracing(fake.api));

  it('makes a span of each side of a request, one within the other', async () => {
    const [a, b] = await nodes();
    let within: string | undefined;
    b!.messaging.handle('price.get', async () => {
      await Promise.resolve();
      within = fake.within();
      return 5;
    });
    expect(await world.settled(a!.messaging.request(b!.name, 'price.get', 1))).toBe(5);
    const attributes = (operation: string, peer: string) => ({
      'messaging.system': 'peerage',
      'messaging.operation.name': operation,
      'messaging.operation.type': operation,
      'messaging.destination.name': 'price.get',
      'peerage.peer.name': peer,
    });
    expect(fake.spans).toEqual([
      {
        name: 'send price.get',
        kind: 3,
        id: 'span 0',
        parent: undefined,
        attributes: attributes('send', b!.name),
        errors: [],
        isOver: true,
      },
      {
        name: 'process price.get',
        kind: 4,
        id: 'span 1',
        parent: 'span 0',
        attributes: attributes('process', a!.name),
        errors: [],
        isOver: true,
      },
    ]);
    expect(within).toBe('span 1');
  });

  it('carries the trace with one-way messages, and on to those that a handler sends', async () => {
    const [a, b] = await nodes();
    b!.messaging.handle('first', () => void b!.messaging.broadcast('second', 1));
    a!.messaging.handle('second', () => undefined);
    await world.settled(a!.messaging.send(b!.name, 'first', 1));
    await world.pass(50);
    expect(fake.spans.map(({ name, parent }) => [name, parent])).toEqual([
      ['send first', undefined],
      ['process first', 'span 0'],
      ['send second', 'span 1'],
      ['process second', 'span 2'],
    ]);
    expect(fake.spans.every(({ isOver }) => isOver)).toBe(true);
  });

  it('notes what fails, on both sides', async () => {
    const [a, b] = await nodes();
    b!.messaging.handle('x', () => {
      throw new Error('over there');
    });
    await world.rejection(a!.messaging.request(b!.name, 'x', 1));
    expect(() => a!.messaging.broadcast('x', () => {})).toThrow('data is a function');
    await world.pass(50);
    expect(fake.spans.map(({ name, errors, isOver }) => [name, errors.length, isOver])).toEqual([
      ['send x', 1, true],
      ['process x', 1, true],
      ['send x', 1, true],
    ]);
  });

  it('makes no spans while no SDK carries traces', async () => {
    fake.off();
    const [a, b] = await nodes();
    b!.messaging.handle('x', () => 1);
    expect(await world.settled(a!.messaging.request(b!.name, 'x', 1))).toBe(1);
    a!.messaging.broadcast('x', 1);
    await world.settled(a!.messaging.send(b!.name, 'x', 1));
    expect(fake.spans).toEqual([]);
  });

  it('does not mind what stands in the place of the trace', async () => {
    const [a, b] = await nodes();
    let calls = 0;
    b!.messaging.handle('x', () => void calls++);
    for (const trace of [null, 1, 'text', [], { traceparent: undefined }])
      a!.mesh.post(b!.mesh.self.bootId, 11, ['x', 1, trace]);
    await world.pass(50);
    expect(calls).toBe(5);
  });

  it('is there when its package is', async () => {
    expect(await loadTracing()).toBeInstanceOf(Tracing);
  });
});
