import { readThrown } from '../errors/thrown.js';
import { jobOf } from '../runs/job-counters.js';
import type { JobStats, RunEvent } from '../runs/run.events.js';
import type { ClusterStats } from './cluster-stats.js';

/** One value of a metric, and what tells it from the others. */
export interface Measured {
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A metric as OpenTelemetry's conventions name it. No attribute has the name of a node: those come and go. */
export interface ClusterMetric {
  readonly name: string;
  /** `counter`: it only grows. `updown`: a number of things now. `gauge`: a state now, of which sums mean nothing. */
  readonly kind: 'counter' | 'updown' | 'gauge';
  /** UCUM: `By`, `s`, or a thing in braces. */
  readonly unit: string;
  readonly description: string;
  /** The attributes that its values have. */
  readonly attributes: readonly string[];
  readonly read: (stats: ClusterStats) => readonly Measured[];
}

/** Its values are handed over one by one: no snapshot of buckets can be given to an SDK. */
export interface ClusterHistogram extends Omit<ClusterMetric, 'kind' | 'read'> {
  readonly bounds: readonly number[];
}

const JOB = 'peerage.job.name';
const ERROR_TYPE = 'error.type';

export const ROUND_TRIP: ClusterHistogram = {
  name: 'peerage.round_trip.duration',
  unit: 's',
  description: 'Round trips of answered beats.',
  bounds: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  attributes: [],
};

export const RUN_DURATION: ClusterHistogram = {
  name: 'peerage.run.duration',
  unit: 's',
  description: 'How long runs of jobs took on this node.',
  bounds: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600],
  attributes: [JOB, ERROR_TYPE],
};

const STATUS = 'peerage.peer.status';
const PROBES = 'peerage.probe.state';
const REASON = 'peerage.down.reason';
const DIRECTION = 'network.io.direction';
const SIDE = 'peerage.refusal.direction';
const PROVIDER = 'peerage.provider.name';
const RESULT = 'peerage.result';
const QUEUE = 'peerage.queue';
const WHY = 'peerage.run.skip_reason';

/** Everything that is measured, but for round trips and how long runs take. */
export const CLUSTER_METRICS: readonly ClusterMetric[] = [
  metric('peerage.peer.count', 'updown', '{peer}', 'Peers by their status.', [STATUS], ({ peers }) =>
    byKey(STATUS, peers),
  ),
  metric('peerage.peer.ups', 'counter', '{event}', 'Nodes that became peers.', [], ({ events }) =>
    one(events.ups),
  ),
  metric('peerage.peer.downs', 'counter', '{event}', 'Peers that went, by reason.', [REASON], ({ events }) =>
    byKey(REASON, events.downs),
  ),
  metric(
    'peerage.peer.degradations',
    'counter',
    '{event}',
    'How often the event loop of a peer was seen blocked.',
    [],
    ({ events }) => one(events.degradations),
  ),
  metric(
    'peerage.peer.false_alarms',
    'counter',
    '{event}',
    'How often a process that was declared down came back as itself.',
    [],
    ({ falseAlarms }) => one(falseAlarms),
  ),
  metric(
    'peerage.peer.probes',
    'updown',
    '{peer}',
    'Peers by what becomes of UDP probes to them.',
    [PROBES],
    ({ probes: { oneWay, ...probes } }) => byKey(PROBES, { ...probes, one_way: oneWay }),
  ),
  metric(
    'peerage.refusals',
    'counter',
    '{refusal}',
    'Strangers refused at our door (inbound), and doors closed to us (outbound, each once until it changes).',
    [SIDE, ERROR_TYPE],
    ({ events }) => [
      ...byKey(ERROR_TYPE, events.refusedInbound, { [SIDE]: 'inbound' }),
      ...byKey(ERROR_TYPE, events.refusedOutbound, { [SIDE]: 'outbound' }),
    ],
  ),
  metric(
    'peerage.dials',
    'counter',
    '{dial}',
    'Dials by how they ended.',
    [RESULT, ERROR_TYPE],
    ({ dials }) => [
      { value: dials.connected, attributes: { [RESULT]: 'connected', [ERROR_TYPE]: '' } },
      ...byKey(ERROR_TYPE, dials.failed, { [RESULT]: 'failed' }),
    ],
  ),
  metric(
    'peerage.provider.polls',
    'counter',
    '{poll}',
    'Polls by how they ended.',
    [PROVIDER, RESULT],
    ({ providers }) => providers.flatMap(({ name, polls }) => byKey(RESULT, polls, { [PROVIDER]: name })),
  ),
  metric(
    'peerage.provider.names',
    'gauge',
    '{name}',
    'Names in the last good answer.',
    [PROVIDER],
    ({ providers }) =>
      providers.map(({ name, names }) => ({ value: names.length, attributes: { [PROVIDER]: name } })),
  ),
  metric(
    'peerage.provider.failing',
    'gauge',
    '1',
    '1 while a provider fails, else 0.',
    [PROVIDER],
    ({ providers }) =>
      providers.map(({ name, state }) => ({
        value: state === 'failing' ? 1 : 0,
        attributes: { [PROVIDER]: name },
      })),
  ),
  metric(
    'peerage.messages',
    'counter',
    '{message}',
    'Messages to and from other nodes, answers included.',
    [DIRECTION],
    ({ messages: { sent, received } }) => byKey(DIRECTION, { transmit: sent.count, receive: received.count }),
  ),
  metric(
    'peerage.message.io',
    'counter',
    'By',
    'Bytes of these messages, as they are encoded.',
    [DIRECTION],
    ({ messages: { sent, received } }) => byKey(DIRECTION, { transmit: sent.bytes, receive: received.bytes }),
  ),
  metric(
    'peerage.queue.size',
    'updown',
    'By',
    'Bytes that wait to be sent, and bytes that are handled or wait for it.',
    [QUEUE],
    ({ queues }) => byKey(QUEUE, { send: queues.sendBytes, receive: queues.receiveBytes }),
  ),
  metric('peerage.handler.active', 'updown', '{handler}', 'Handlers at work.', [], ({ handlers }) =>
    one(handlers.running),
  ),
  metric(
    'peerage.handler.waiting',
    'updown',
    '{message}',
    'Messages that wait for a handler.',
    [],
    ({ handlers }) => one(handlers.waiting),
  ),
  metric(
    'peerage.request.active',
    'updown',
    '{request}',
    'Requests of this node that wait for their answer.',
    [],
    ({ requests }) => one(requests.pending),
  ),
  metric('peerage.event_loop.lag', 'gauge', 's', 'How late the event loop of this node is.', [], ({ loop }) =>
    one(loop.lagMs / 1_000),
  ),
  metric(
    'peerage.event_loop.blocks',
    'counter',
    '{block}',
    'How often the event loop of this node did not run for a second or more.',
    [],
    ({ loop }) => one(loop.blocks),
  ),
  metric('peerage.run.starts', 'counter', '{run}', 'Runs that this node has begun.', [JOB], ({ jobs }) =>
    byJob(jobs, ({ started }) => started),
  ),
  metric(
    'peerage.run.ends',
    'counter',
    '{run}',
    'Runs that ended on this node, by how: done, or failed.',
    [JOB, RESULT],
    ({ jobs }) =>
      jobs.flatMap(({ job, finished, failed }) =>
        byKey(RESULT, { done: finished - failed, failed }, { [JOB]: job }),
      ),
  ),
  metric('peerage.run.active', 'updown', '{run}', 'Runs at work on this node.', [JOB], ({ jobs }) =>
    byJob(jobs, ({ running }) => running),
  ),
  metric(
    'peerage.run.skips',
    'counter',
    '{run}',
    'Runs that were not for this node, by why.',
    [JOB, WHY],
    ({ jobs }) =>
      jobs.flatMap(({ job, skipped }) =>
        Object.entries(skipped).map(([why, value]) => ({
          value,
          attributes: { [JOB]: job, [WHY]: why.replaceAll(' ', '_') },
        })),
      ),
  ),
  metric(
    'peerage.run.duplicates',
    'counter',
    '{run}',
    'Runs that two nodes had, while the network was split.',
    [JOB],
    ({ jobs }) => byJob(jobs, ({ duplicates }) => duplicates),
  ),
];

/** What the histogram of runs records of one of them. */
export function runDuration({ job, dueAt, ...run }: RunEvent): Measured | undefined {
  if (run.type !== 'finished') return undefined;
  const error = 'error' in run ? readThrown(run.error).name : undefined;
  return {
    value: run.tookMs / 1_000,
    attributes: {
      [JOB]: jobOf({ job, dueMs: dueAt.getTime() }),
      ...(error !== undefined && { [ERROR_TYPE]: error }),
    },
  };
}

function byJob(jobs: readonly JobStats[], read: (job: JobStats) => number): Measured[] {
  return jobs.map((job) => ({ value: read(job), attributes: { [JOB]: job.job } }));
}

function metric(
  name: string,
  kind: ClusterMetric['kind'],
  unit: string,
  description: string,
  attributes: readonly string[],
  read: ClusterMetric['read'],
): ClusterMetric {
  return { name, kind, unit, description, attributes, read };
}

function one(value: number): Measured[] {
  return [{ value, attributes: {} }];
}

function byKey(
  key: string,
  values: Readonly<Record<string, number | undefined>>,
  more: Readonly<Record<string, string>> = {},
): Measured[] {
  return Object.entries(values).map(([name, value = 0]) => ({ value, attributes: { ...more, [key]: name } }));
}
