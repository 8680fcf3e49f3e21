import { NestFactory } from '@nestjs/core';
import { peerageMicroservice } from 'nestjs-peerage/microservices';
import { GatewayModule } from './gateway.module.js';
import { WorkerModule } from './worker.module.js';

async function bootstrap() {
  if (process.env['ROLE'] === 'worker') {
    const app = await NestFactory.createMicroservice(WorkerModule, peerageMicroservice());
    app.enableShutdownHooks([], { useProcessExit: true });
    await app.listen();
  } else {
    const app = await NestFactory.create(GatewayModule);
    app.enableShutdownHooks([], { useProcessExit: true });
    await app.listen(process.env['HTTP_PORT'] ?? 3000);
  }
}
void bootstrap();
