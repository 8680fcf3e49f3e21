import { runInThisContext } from 'node:vm';
import type { DynamicModule } from '@nestjs/common';
import * as peerage from 'nestjs-peerage';
import { viaKubernetes } from 'nestjs-peerage/kubernetes';
import { viaPostgres } from 'nestjs-peerage/postgres';
import { viaRedis } from 'nestjs-peerage/redis';

/** `PeerageModule.forRoot(…)` with what a page of the documentation has between the brackets. */
export function writtenModule(argument: string): DynamicModule {
  const scope = { ...peerage, viaKubernetes, viaPostgres, viaRedis, secret: process.env['CLUSTER_SECRET'] };
  const code = `({ ${Object.keys(scope).join(', ')} }) => PeerageModule.forRoot(${argument})`;
  return (runInThisContext(code) as (names: typeof scope) => DynamicModule)(scope);
}
