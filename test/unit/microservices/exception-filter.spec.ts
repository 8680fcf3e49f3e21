import { BadRequestException, Controller, HttpException, UseFilters } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { PeerageExceptionFilter } from '../../../lib/microservices/index.js';
import type { PeerageClient } from '../../../lib/microservices/index.js';
import type { TestCluster } from '../../../lib/testing/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { CLIENT, startInMemory } from '../../support/apps/microservice-nodes.js';

const failures: Readonly<Record<string, () => unknown>> = {
  refused: () => new BadRequestException('no such customer'),
  invalid: () => new BadRequestException(['name is short', 'age is no number']),
  broken: () => new HttpException({ message: 'the upstream is down', retryInMs: 5 }, 503),
  bug: () => new TypeError('x is undefined'),
  rpc: () => new RpcException('as it is'),
  thing: () => 'a text',
};

@Controller()
@UseFilters(PeerageExceptionFilter)
class Failing {
  @MessagePattern('fail')
  fail(@Payload() how: string): unknown {
    throw failures[how]!();
  }

  @EventPattern('failed')
  hear(_data: unknown): void {
    throw new BadRequestException('nobody would hear of it');
  }
}

let cluster: TestCluster<INestApplication>;
const log = new CapturedLog();

beforeAll(async () => {
  cluster = await startInMemory({ serves: 'never' }, { controllers: [Failing] });
  for (const { app } of cluster.nodes) app.useLogger(log);
});
beforeEach(() => void log.lines.splice(0));
afterAll(() => cluster.stop());

const client = (): PeerageClient => cluster.nodes[0]!.get(CLIENT);
const failureOf = (how: string): Promise<unknown> =>
  lastValueFrom(client().send('fail', how)).catch((error: unknown) => error);

it.each([
  ['refused', { status: 'error', statusCode: 400, message: 'no such customer' }],
  ['invalid', { status: 'error', statusCode: 400, message: 'name is short, age is no number' }],
  ['broken', { status: 'error', statusCode: 503, response: { retryInMs: 5 } }],
  ['bug', { status: 'error', message: 'Internal server error' }],
  ['rpc', { status: 'error', message: 'as it is' }],
  ['thing', { status: 'error', message: 'Internal server error' }],
])('%s: the caller gets what it may know', async (how, expected) => {
  const failure = await failureOf(how);
  expect(failure).toMatchObject(expected);
  if (how === 'invalid')
    expect(failure).toMatchObject({ response: { message: ['name is short', 'age is no number'] } });
  if (how === 'bug') expect(JSON.stringify(failure)).not.toContain('undefined');
});

it.each([
  ['refused', 'warn', /"fail", asked by .*, refused: 400 no such customer/],
  ['broken', 'error', /"fail", asked by .*, failed: the upstream is down/],
  ['bug', 'error', /failed: x is undefined/],
  ['thing', 'error', /failed: a text/],
])('%s: the server says so', async (how, level, line) => {
  await failureOf(how);
  const said = log.lines.filter((each) => line.test(each));
  expect(said.map((each) => each.split(' ')[0])).toEqual([level]);
});

it('of an event, only the server’s log knows', async () => {
  await lastValueFrom(client().emit('failed', 1), { defaultValue: undefined });
  await vi.waitFor(() => expect(log.matching('nobody would')).toHaveLength(1));
});
