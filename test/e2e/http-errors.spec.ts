import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, type Server, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, RpcException } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OnClusterMessage, RemoteError } from '../../lib/index.js';
import type { PeerageClient } from '../../lib/microservices/index.js';
import { MicroserviceNodes } from '../support/apps/microservice-nodes.js';
import type { MicroserviceNode } from '../support/apps/microservice-nodes.js';

const UPSTREAM = 'UPSTREAM';

/** As HTTP clients make them: with the sockets of the request and the functions of its configuration. */
class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly code = 'ERR_BAD_RESPONSE';
  readonly isHttpError = true;
  readonly config = { transform: [(data: unknown) => data], validate: (status: number) => status < 300 };
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;

  constructor(
    readonly request: ClientRequest,
    readonly response: IncomingMessage,
  ) {
    super(`Request failed with status code ${response.statusCode}`);
    this.status = response.statusCode!;
    this.headers = { ...response.headers };
  }

  toJSON(): object {
    return { secrets: 'of the request' };
  }
}

async function failing(url: string): Promise<never> {
  const request = get(url);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  throw new HttpError(request, response);
}

@Controller()
class Gateway {
  constructor(@Inject(UPSTREAM) private readonly url: string) {}

  @MessagePattern('fetch')
  async fetch(): Promise<unknown> {
    return failing(this.url).catch((error: unknown) => {
      throw new RpcException(error as object);
    });
  }

  @OnClusterMessage('fetch')
  async handle(): Promise<unknown> {
    return failing(this.url);
  }

  @MessagePattern('echo')
  echo(data: unknown): unknown {
    return data;
  }
}

const nodes = new MicroserviceNodes();
let upstream: Server;
let caller: MicroserviceNode;
let server: MicroserviceNode;

beforeAll(async () => {
  upstream = createServer((_, response) => {
    response.writeHead(502, { 'x-upstream': 'down', connection: 'keep-alive' }).end('bad gateway');
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`;
  const serving = { controllers: [Gateway], providers: [{ provide: UPSTREAM, useValue: url }] };
  [caller, server] = (await nodes.start({ serves: 'never' }, serving)) as [
    MicroserviceNode,
    MicroserviceNode,
  ];
});
afterAll(async () => {
  await nodes.stop();
  upstream.closeAllConnections();
  upstream.close();
});

const failureOf = (client: PeerageClient): Promise<Record<string, unknown>> =>
  lastValueFrom(client.send('fetch', {})).then(
    () => expect.fail('it has to fail'),
    (error: Record<string, unknown>) => error,
  );

describe('an error of an HTTP client, with its sockets and functions', () => {
  const asSent = {
    name: 'HttpError',
    message: 'Request failed with status code 502',
    code: 'ERR_BAD_RESPONSE',
    status: 502,
    isHttpError: true,
    headers: expect.objectContaining({ 'x-upstream': 'down' }) as unknown,
  };

  it.each(['another node', 'the node itself'])('arrives at %s without them', async (who) => {
    const { client } = who === 'another node' ? caller : server;
    expect(await failureOf(client)).toEqual(asSent);
    expect(await lastValueFrom(client.send('echo', 'alive'))).toBe('alive');
  });

  it('is a RemoteError for who asked by a cluster message', async () => {
    const { cluster } = caller;
    const error: unknown = await cluster
      .request(server.cluster.self.name, 'fetch', {})
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      code: 'REMOTE_ERROR',
      remoteName: 'HttpError',
      remoteCode: 'ERR_BAD_RESPONSE',
      message: expect.stringContaining('status code 502') as unknown,
    });
  });
});
