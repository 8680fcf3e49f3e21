/** A Nest app that serves the dashboard. Its configuration comes as JSON in its first argument. */
import 'reflect-metadata';
import { once } from 'node:events';
import fastifyHelmet from '@fastify/helmet';
import { Injectable, Module, UnauthorizedException, VersioningType } from '@nestjs/common';
import type { CanActivate, ExecutionContext, INestApplication, OnApplicationBootstrap } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import helmet from 'helmet';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import { ClusterService, PeerageModule, RunOnce, viaList } from 'nestjs-peerage';
import { PeerageDashboardModule } from 'nestjs-peerage/dashboard';
import { map } from 'rxjs';
import type { DashboardConfig } from './dashboard-config.js';

const config = JSON.parse(process.argv[2] ?? '{}') as DashboardConfig;
const { http, port = 0, prefix, isHardened = false, password, works = false } = config;

@Injectable()
class Password implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
    if (headers['authorization'] === password) return true;
    throw new UnauthorizedException();
  }
}

@Injectable()
class Work implements OnApplicationBootstrap {
  constructor(private readonly cluster: ClusterService) {}

  onApplicationBootstrap(): void {
    this.cluster.keys('rooms').hold('lobby', ({ signal }) => once(signal, 'abort'));
  }

  @RunOnce({ name: 'counting' })
  @Interval(1_000)
  count(): void {}
}

@Module({
  imports: [
    ...(works ? [ScheduleModule.forRoot()] : []),
    PeerageModule.forRoot({ ...config.options, via: viaList([...config.names]) }),
    PeerageDashboardModule.forRoot(password === undefined ? {} : { guards: [Password] }),
  ],
  providers: works ? [Work] : [],
})
class AppModule {}

async function fastify(): Promise<INestApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter());
  if (isHardened) await app.register(fastifyHelmet);
  return app;
}

async function express(): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule);
  if (isHardened) app.use(helmet());
  return app;
}

const app = await (http === 'fastify' ? fastify() : express());
if (prefix !== undefined) app.setGlobalPrefix(prefix);
if (isHardened) {
  app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
  // What many apps do to each answer: the page must not notice.
  app.useGlobalInterceptors({ intercept: (_context, next) => next.handle().pipe(map((data) => ({ data }))) });
}
app.enableShutdownHooks();
await app.listen(port, '0.0.0.0');
console.log(`ready ${new URL(await app.getUrl()).port}`);
