import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen(process.env['HTTP_PORT'] ?? 3000);
}
void bootstrap();
