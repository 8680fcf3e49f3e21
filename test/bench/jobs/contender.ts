import type { JobberConfig } from '../../programs/jobber-config.js';
import { SECRET } from '../../support/processes/cluster.js';
import { Jobbers } from '../../support/apps/jobbers.js';
import type { Host } from '../../support/net/net-lab.js';
import type { Servers } from './servers.js';

/** What is compared. */
export const CONTENDERS: Readonly<Record<string, Omit<JobberConfig, 'options' | 'names' | 'workMs'>>> = {
  schedule: { kind: 'schedule' },
  'redis-lock': { kind: 'redis-lock' },
  'postgres-lock': { kind: 'postgres-lock' },
  'run-once': { kind: 'run-once' },
  'run-once rerun': { kind: 'run-once', rules: { onLoss: 'rerun' } },
  'run-once quorum': { kind: 'run-once' },
  'run-once redis': { kind: 'run-once', store: 'redis' },
  'run-once postgres': { kind: 'run-once', store: 'postgres' },
};

const WORK_MS = 100;
const MESH_PORT = 4_400;

/** One of those that are compared: three replicas, one on each host. */
export class Contender extends Jobbers {
  constructor(
    readonly name: string,
    index: number,
    hosts: readonly Host[],
    servers: Servers,
  ) {
    const what = CONTENDERS[name]!;
    const port = MESH_PORT + index;
    super(hosts, ({ address }) => ({
      ...what,
      names: hosts.map((host) => `app@${host.address}:${port}`),
      workMs: WORK_MS,
      ...((what.kind === 'redis-lock' || what.store === 'redis') && { redisUrl: servers.redisUrl }),
      ...((what.kind === 'postgres-lock' || what.store === 'postgres') && {
        postgresUrl: servers.postgresUrl,
      }),
      options: {
        appName: 'app',
        host: address,
        port,
        secret: SECRET,
        ...(name === 'run-once quorum' && { quorum: { of: hosts.length } }),
      },
    }));
  }
}
