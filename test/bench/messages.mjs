/**
 * `npm run bench:messages [-- --rounds=5 --only=engine,peerage,nest-tcp --in-flight=64 --json]`: what a message
 * costs, here and elsewhere. Each contender is two processes on loopback that stay for the whole run; rounds
 * are interleaved, so that what else the machine does hits all alike. Medians over the rounds.
 */
import { enter } from './messages/arena.mjs';
import { contenders } from './messages/contenders.mjs';
import { measureBroadcast, measurePair } from './messages/measure.mjs';
import { ratios, table } from './messages/report.mjs';

const args = Object.fromEntries(process.argv.slice(2).map((arg) => arg.replace(/^--/, '').split('=')));
const rounds = Number(args.rounds ?? 5);
const ids = args.only?.split(',') ?? Object.keys(contenders);
/** Requests that are open at once, where it is not one after the other. */
const inFlight = Number(args['in-flight'] ?? 64);
const BROADCAST_PEERS = 10;

const results = new Map();
await play(1, ids, (pair) => measurePair(pair, inFlight));
await play(
  BROADCAST_PEERS,
  ids.filter((id) => !contenders[id].noBroadcast),
  measureBroadcast,
);
if ('json' in args) console.log(JSON.stringify(Object.fromEntries(results), null, 2));
else console.log(`\n${inFlight} requests in flight:\n\n${table(results)}\n\n${ratios(results)}`);

/** All rounds of one kind of measurement, one contender after the other in each. */
async function play(nodes, players, measure) {
  const pairs = new Map();
  try {
    for (const id of players) await admit(pairs, id, nodes);
    for (let round = 0; round <= rounds; round++) {
      for (const [id, pair] of pairs) keep(id, pair.name, await measure(pair), round);
      process.stderr.write(`${nodes === 1 ? 'pairs' : 'broadcast'}: round ${round} of ${rounds}\n`);
    }
  } finally {
    await Promise.all([...pairs.values()].map((pair) => pair.stop()));
  }
}

async function admit(pairs, id, nodes) {
  try {
    pairs.set(id, await enter(id, nodes));
  } catch (error) {
    process.stderr.write(`${id} is left out: ${error.message.split('\n')[0]}\n`);
  }
}

/** The first round only warms up. */
function keep(id, name, measured, round) {
  const result = results.get(id) ?? { name, samples: {} };
  results.set(id, result);
  if (round === 0) return;
  for (const [key, value] of Object.entries(measured)) (result.samples[key] ??= []).push(value);
}
