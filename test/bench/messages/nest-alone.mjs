import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BaseRpcContext, ClientProxy, Server } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { TEXT, pricesOf } from './prices.mjs';

Logger.overrideLogger(['error']);

export const name = "Nest's pipeline alone, both ends in one process";

/** What Nest does on both ends whatever the transport: nothing is encoded, and nothing leaves the process. */
export async function serve() {
  return { address: [], close: () => {} };
}

export async function call() {
  const server = new LocalServer();
  const app = await NestFactory.createMicroservice(
    { module: class Bench {}, controllers: [pricesOf(() => {})] },
    { strategy: server, logger: ['error'] },
  );
  await app.listen();
  const client = new LocalClient(server);
  return {
    request: (data) => firstValueFrom(client.send(TEXT, data)),
    close: () => app.close(),
  };
}

/** As `ServerTCP` handles a message. */
class LocalServer extends Server {
  constructor() {
    super();
    this.initializeSerializer({});
    this.initializeDeserializer({});
  }

  listen(callback) {
    callback();
  }

  close() {}

  /** Nest's own parses the pattern as JSON, which costs more than all the rest when it is a plain text. */
  getHandlerByPattern(pattern) {
    return this.messageHandlers.get(pattern) ?? null;
  }

  async take(raw, answer) {
    const packet = await this.deserializer.deserialize(raw);
    const pattern = this.getPatternAsString(packet.pattern);
    const context = new BaseRpcContext([pattern]);
    const handler = this.getHandlerByPattern(pattern);
    return this.handleRequest(
      context,
      async () => this.transformToObservable(await handler(packet.data, context)),
      (data) => answer(this.serializer.serialize(Object.assign(data, { id: packet.id }))),
    );
  }
}

/** As `ClientTCP` asks; with a cheaper id. */
class LocalClient extends ClientProxy {
  lastId = 0;

  constructor(server) {
    super();
    this.server = server;
    this.initializeSerializer({});
    this.initializeDeserializer({});
  }

  async connect() {}

  close() {}

  publish(partial, callback) {
    const id = (this.lastId += 1);
    const packet = { ...partial, id, pattern: this.normalizePattern(partial.pattern) };
    this.routingMap.set(id, callback);
    const serialised = this.serializer.serialize(packet);
    queueMicrotask(() => void this.server.take(serialised, (raw) => void this.hear(raw)));
    return () => this.routingMap.delete(id);
  }

  async hear(raw) {
    const { err, response, isDisposed, id } = await this.deserializer.deserialize(raw);
    this.routingMap.get(id)?.({ err, response, isDisposed });
  }
}
