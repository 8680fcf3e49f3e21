import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks([], { useProcessExit: true });
  // A page that tells about a cluster is not for everybody: this one is for this machine.
  await app.listen(process.env['HTTP_PORT'] ?? 3000, '127.0.0.1');
  console.log(`Dashboard: ${await app.getUrl()}/peerage`);
}
void bootstrap();
