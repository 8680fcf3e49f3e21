import { performance } from 'node:perf_hooks';

const SEQUENTIAL_MS = 500;
const PARALLEL_MS = 600;
const LARGE_MS = 400;
const FLOOD_MS = 500;
const FIRST_FLOOD = 2_000;

/** Latency, throughput, cost and one-way messages between two processes. */
export async function measurePair(pair, inFlight) {
  const { client } = pair;
  const sequential = await client.ask('run', { runner: 'sequential', options: { forMs: SEQUENTIAL_MS } });
  const parallel = await measured(pair, () =>
    client.ask('run', { runner: 'parallel', options: { forMs: PARALLEL_MS, inFlight } }),
  );
  const large = await client.ask('run', {
    runner: 'parallel',
    options: { forMs: LARGE_MS, inFlight, isLarge: true },
  });
  const flood = pair.noEvents ? undefined : await measured(pair, () => floods(pair, 'events', 1));
  return {
    p50Us: sequential.p50Us,
    p99Us: sequential.p99Us,
    requests: parallel.result.perSecond,
    requestCpuUs: parallel.cpuUs / parallel.result.count,
    delayMs: parallel.delayMs,
    large: large.perSecond,
    ...(flood && { events: flood.result.perSecond, eventCpuUs: flood.cpuUs / flood.result.count }),
  };
}

/** Messages to many at once; the deliveries are counted. */
export async function measureBroadcast(pair) {
  const { result, cpuUs } = await measured(pair, () => floods(pair, 'broadcasts', 10));
  return { deliveries: result.perSecond, deliveryCpuUs: cpuUs / result.count };
}

/** Floods for about the same time, however fast it is: as many as the flood before tells. */
async function floods(pair, runner, copies) {
  const calls = Math.max(64, Math.round((pair[runner] ?? FIRST_FLOOD) / copies));
  const startedMs = performance.now();
  const arrived = pair.server.ask('events', { count: calls * copies });
  await pair.client.ask('run', { runner, options: { count: calls } });
  await arrived;
  const perSecond = (1000 * calls * copies) / (performance.now() - startedMs);
  pair[runner] = (perSecond * FLOOD_MS) / 1000;
  return { perSecond, count: calls * copies };
}

/** What both processes took for it, and how late their event loops were at worst (p99). */
async function measured({ server, client }, run) {
  await Promise.all([server.ask('measure'), client.ask('measure')]);
  const result = await run();
  const [here, there] = await Promise.all([client.ask('measured'), server.ask('measured')]);
  return {
    result,
    cpuUs: here.cpuUs + there.cpuUs,
    delayMs: Math.max(here.delayP99Ms, there.delayP99Ms),
  };
}
