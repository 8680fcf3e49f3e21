/** An app whose start fails beside Peerage, in the hook that is named, and which says so and goes no further. */
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { PeerageModule } from 'nestjs-peerage';

const [hook = 'onModuleInit'] = process.argv.slice(2);

@Injectable()
class Database {}

Object.defineProperty(Database.prototype, hook, {
  value: () => {
    throw new Error('no database');
  },
});

@Module({
  imports: [PeerageModule.forRoot({ appName: 'app', bind: '127.0.0.1', port: 0 })],
  providers: [Database],
})
class AppModule {}

try {
  await NestFactory.createApplicationContext(AppModule, { abortOnError: false, logger: false });
} catch (error) {
  console.log(`failed: ${(error as Error).message}`);
  process.exitCode = 3;
}
