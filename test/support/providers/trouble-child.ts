import { Redis } from 'ioredis';
import pg from 'pg';
import { claimIn } from '../../../lib/runs/store-questions.js';
import { postgresClaims } from '../../../lib/runs/stores/postgres-claims.js';
import { redisClaims } from '../../../lib/runs/stores/redis-claims.js';
import type { ClaimStore } from '../../../lib/runs/claim-store.js';
import { systemClock } from '../../../lib/time/clock.js';
import { sleep } from '../../../lib/time/waiting.js';
import { viaDns } from '../../../lib/via/dns/via-dns.js';
import { viaFile } from '../../../lib/via/file/via-file.js';
import { viaKubernetes } from '../../../lib/via/kubernetes/index.js';
import { viaLocal } from '../../../lib/via/local/via-local.js';
import type { PeerageProvider } from '../../../lib/via/provider.js';
import { viaUdp } from '../../../lib/via/udp/via-udp.js';
import { seededRandom } from '../../sim/random.js';
import type { StoreProvider } from './store-providers.js';
import { nodeRedisOfApp, POSTGRES_KINDS, REDIS_KINDS } from './store-providers.js';

/** Where the sources are that a test breaks. Those that this machine has not are left out. */
export interface TroubleSources {
  readonly redis?: string;
  readonly postgres?: string;
  readonly kubernetes?: { readonly server: string; readonly accountFolder: string };
  readonly nameserver: string;
  readonly udpPort: number;
  readonly folder: string;
}

export interface TroubleConfig {
  readonly seed: number;
  /** How many live at a time, of each kind. */
  readonly lanes: number;
  /** How many live one after the other, in each lane. */
  readonly lives: number;
  readonly sources: TroubleSources;
}

export interface TroubleOutcome {
  /** How the polls of each kind ended, and how often it handed over names. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What is left open when all have ended: it would keep the app from its end. */
  readonly left: readonly string[];
}

const TTL_MS = 1_000;
/** The longest life of one provider. */
const LIFE_MS = 2_000;
/** A connection that is dead without a word is given up when it is connected or has had its time. */
const PATIENCE_MS = 6_000;

/**
 * Providers and claims of every kind start, are polled, serve and are aborted at random moments, while somebody else
 * breaks their sources. Whatever is rejected unheard ends this process, as it would an app. Prints a TroubleOutcome.
 */
export async function main([json = '{}']: string[]): Promise<void> {
  const { seed, lanes, lives, sources } = JSON.parse(json) as TroubleConfig;
  const counts: Record<string, Record<string, number>> = {};
  const running = Object.entries(kindsOf(sources)).flatMap(([kind, make], i) =>
    Array.from({ length: lanes }, async (_, lane) => {
      const random = seededRandom(seed + 1_000 * i + lane);
      const count = (what: string) => {
        const ofKind = (counts[kind] ??= {});
        ofKind[what] = (ofKind[what] ?? 0) + 1;
      };
      for (let life = 1; life <= lives; life += 1)
        await liveOnce(make(random), `kit@10.${i}.${lane}.${life}`, random, count);
    }),
  );
  await Promise.all(running);
  // What was rejected late is rejected by then.
  await sleep(500);
  for (const endMs = performance.now() + PATIENCE_MS; sockets().length > 0 && performance.now() < endMs;)
    await sleep(50);
  const outcome: TroubleOutcome = { counts, left: sockets() };
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}

function sockets(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /^(TCP|TLS|UDP)/.test(kind));
}

async function liveOnce(
  { provider, end }: StoreProvider,
  name: string,
  random: () => number,
  count: (what: string) => void,
): Promise<void> {
  const aborter = new AbortController();
  const { signal } = aborter;
  const bootId = Buffer.from(name).toString('hex').padStart(32, '0').slice(-32);
  const self = { name, bootId, host: 'h', port: 1, meta: {} };
  const told = (outcome: Promise<unknown>) =>
    outcome.then(
      () => count('well'),
      (error: unknown) => count(String((error as { code?: unknown }).code)),
    );
  const serve = async (): Promise<void> => {
    // Some end before they begin.
    if (random() < 0.2) await sleep(random() * 50);
    while (!signal.aborted) {
      const found = () => count('found');
      await provider.serve?.({ self, signal, found, warn: () => {} }).catch(() => count('restarted'));
      await sleep(20 + random() * 200);
    }
  };
  const poll = async (): Promise<void> => {
    while (!signal.aborted) {
      const own = new AbortController();
      const timer = setTimeout(() => own.abort(), random() < 0.5 ? random() * 100 : 5_000);
      const abort = () => own.abort();
      signal.addEventListener('abort', abort);
      await told(Promise.resolve().then(() => provider.poll({ self, signal: own.signal })));
      signal.removeEventListener('abort', abort);
      clearTimeout(timer);
      await sleep(random() * 200);
    }
  };
  const living = Promise.all([serve(), poll()]);
  const lifeMs = random() < 0.3 ? random() * 20 : random() * LIFE_MS;
  await sleep(lifeMs);
  // An app closes its client before, with, or after us.
  const isEarly = random() < 0.3;
  const ending = isEarly ? end() : undefined;
  aborter.abort();
  await living;
  await (isEarly ? ending : end());
}

type Kinds = Record<string, (random: () => number) => StoreProvider>;

function kindsOf({ redis, postgres, kubernetes, nameserver, udpPort, folder }: TroubleSources): Kinds {
  const kinds: Kinds = {};
  const simple = (provider: PeerageProvider): StoreProvider => ({ provider, end: () => {} });
  if (redis !== undefined) {
    for (const [kind, make] of Object.entries(REDIS_KINDS)) kinds[kind] = () => make(redis, TTL_MS);
    kinds['claims by ioredis'] = () => {
      const client = new Redis(redis);
      client.on('error', () => {});
      const store = redisClaims((command, ...words) => client.call(command, ...words));
      return { provider: claiming(store), end: () => client.disconnect() };
    };
    kinds['claims by node-redis'] = () => {
      const { client, end } = nodeRedisOfApp(redis);
      const store = redisClaims((...words) => client.sendCommand(words));
      return { provider: claiming(store), end };
    };
  }
  if (postgres !== undefined) {
    for (const [kind, make] of Object.entries(POSTGRES_KINDS)) kinds[kind] = () => make(postgres, TTL_MS);
    kinds['claims by pg'] = () => {
      const pool = new pg.Pool({ connectionString: postgres, connectionTimeoutMillis: 2_000, max: 2 });
      pool.on('error', () => {});
      return { provider: claiming(postgresClaims(pool)), end: () => pool.end() };
    };
  }
  if (kubernetes)
    kinds['kubernetes'] = () => simple(viaKubernetes({ service: 'web', namespace: 'prod', ...kubernetes }));
  kinds['dns'] = (random) =>
    simple(viaDns({ dnsName: 'kit.test', nameservers: [nameserver], srv: random() < 0.3 }));
  kinds['udp'] = (random) =>
    simple(
      viaUdp({ ip: '127.0.0.1', port: udpPort, multicastAddr: '239.255.77.9', broadcast: random() < 0.3 }),
    );
  kinds['file'] = () => simple(viaFile(`${folder}/names/peers.txt`));
  kinds['local'] = () => simple(viaLocal({ dir: `${folder}/local` }));
  return kinds;
}

/** Claims are asked as providers are: again and again, until the signal aborts. */
function claiming(store: ClaimStore): PeerageProvider {
  let due = 0;
  return {
    poll: async ({ self, signal }) => {
      const key = { job: 'kit', dueMs: (due += 1_000) };
      const parts = { clock: systemClock, log: { warn: () => {} }, signal };
      const holder = await claimIn(store, key, self.name, systemClock.now() + 500, parts);
      return holder === undefined ? [] : [holder];
    },
  };
}
