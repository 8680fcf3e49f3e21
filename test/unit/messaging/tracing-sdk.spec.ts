import { Controller } from '@nestjs/common';
import { ClientsModule, EventPattern, MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterService, OnClusterMessage, PeerageModule } from '../../../lib/index.js';
import { PeerageClient, peerageClient, peerageMicroservice } from '../../../lib/microservices/index.js';
import { TestCluster } from '../../../lib/testing/index.js';

@Controller()
class Worker {
  constructor(private readonly cluster: ClusterService) {}

  @OnClusterMessage('ask')
  ask() {
    this.cluster.broadcast('news', 1);
    return 'answer';
  }

  @OnClusterMessage('news')
  news() {}

  @MessagePattern('sum')
  sum(numbers: number[]) {
    return numbers.reduce((a, b) => a + b, 0);
  }

  @EventPattern('noted')
  noted(_data: unknown) {}
}

describe('traces with the SDK of OpenTelemetry', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  let cluster: TestCluster | undefined;

  beforeEach(() => {
    exporter.reset();
    trace.setGlobalTracerProvider(provider);
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterEach(async () => {
    await cluster?.stop();
    trace.disable();
    propagation.disable();
    context.disable();
  });

  /** Runs in a span of its own, and gives the spans that ended meanwhile. */
  async function traced(run: () => Promise<unknown>): Promise<ReadableSpan[]> {
    exporter.reset();
    const tracer = trace.getTracer('test');
    await tracer.startActiveSpan('the app', async (span) => {
      await run();
      span.end();
    });
    await cluster!.settle();
    return exporter.getFinishedSpans();
  }

  /** `child < parent` for each span of the one trace. */
  function tree(spans: readonly ReadableSpan[]): string[] {
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
    return spans
      .map(({ name, parentSpanContext }) => `${name} < ${names.get(parentSpanContext?.spanId ?? '') ?? '-'}`)
      .sort();
  }

  async function start() {
    const imports = [
      PeerageModule.forRoot({ appName: 'app' }),
      ClientsModule.registerAsync([peerageClient('WORKERS')]),
    ];
    const started = await TestCluster.start(
      2,
      () => Test.createTestingModule({ imports, controllers: [Worker] }),
      {
        createApp: async (module) => {
          const app = module.createNestApplication();
          app.connectMicroservice(peerageMicroservice());
          await app.startAllMicroservices();
          return app;
        },
      },
    );
    cluster = started as unknown as TestCluster;
    return started;
  }

  it('go along with a request, and on with what its handler sends', async () => {
    const { nodes } = await start();
    const [a, b] = nodes;
    const spans = await traced(() => a.cluster.request(b.name, 'ask'));
    expect(tree(spans)).toEqual([
      'process ask < send ask',
      'process news < send news',
      'send ask < the app',
      'send news < process ask',
      'the app < -',
    ]);
    expect(spans.find(({ name }) => name === 'process ask')!.attributes).toMatchObject({
      'messaging.system': 'peerage',
      'messaging.destination.name': 'ask',
      'peerage.peer.name': a.name,
    });
  });

  it('go along with microservices', async () => {
    const { nodes } = await start();
    const [a, b] = nodes;
    const client = a.get<PeerageClient>('WORKERS').to({ node: b.name });
    const spans = await traced(() => firstValueFrom(client.send<number>('sum', [1, 2, 3])));
    expect(tree(spans)).toEqual([
      'process $microservices.request < send $microservices.request',
      'send $microservices.request < the app',
      'the app < -',
    ]);
  });
});
