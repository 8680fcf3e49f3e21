import { Controller, Get, Module } from '@nestjs/common';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { PeerageDashboardModule } from 'nestjs-peerage/dashboard';
import { PeeragePrometheusModule } from 'nestjs-peerage/prometheus';
import { register } from 'prom-client';
import type { Sought } from './node-config.js';

@Controller('metrics')
class MetricsController {
  @Get()
  metrics(): Promise<string> {
    return register.metrics();
  }
}

/** What a person reads of a node beside its log: the dashboard, and the metrics. */
@Module({
  imports: [PeerageDashboardModule.forRoot(), PeeragePrometheusModule],
  controllers: [MetricsController],
})
export class ShownModule {}

/** Makes an app of a module, and serves it to everybody. */
export async function serve(
  module: Type,
  port: number,
  options: { readonly logger?: false },
): Promise<INestApplication> {
  const app = await NestFactory.create(module, new ExpressAdapter(), options);
  await app.listen(port, '0.0.0.0');
  return app;
}

/** Reads what is shown until it says something: the metrics, or a snapshot of the dashboard. Returns that. */
export async function seek(port: number, { what, pattern, timeoutMs }: Sought): Promise<string> {
  const sought = new RegExp(pattern);
  const signal = AbortSignal.timeout(timeoutMs);
  const read = what === 'metrics' ? metrics : snapshots;
  let last = 'nothing';
  try {
    for await (const text of read(`http://127.0.0.1:${port}`, signal)) {
      last = text;
      if (sought.test(text)) return text;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  throw new Error(`the ${what} did not say ${pattern} within ${timeoutMs} ms, but ${last}`);
}

async function* metrics(base: string, signal: AbortSignal): AsyncGenerator<string> {
  for (;;) {
    yield await (await fetch(`${base}/metrics`, { signal })).text();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Each message of the stream that the page hears. */
async function* snapshots(base: string, signal: AbortSignal): AsyncGenerator<string> {
  const { body } = await fetch(`${base}/peerage/events`, { signal });
  let text = '';
  for await (const part of body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    const messages = text.split('\n\n');
    text = messages.pop()!;
    for (const message of messages) if (message.startsWith('data: ')) yield message.slice('data: '.length);
  }
}
