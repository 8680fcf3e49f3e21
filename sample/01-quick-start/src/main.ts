import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.createApplicationContext(AppModule);
  // On SIGTERM and Ctrl-C the node says goodbye before the process ends, so the others know at once.
  app.enableShutdownHooks([], { useProcessExit: true });
}
void bootstrap();
