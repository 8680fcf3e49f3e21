import { Resolver } from 'node:dns/promises';
import type { RecordWithTtl, SrvRecord } from 'node:dns';
import { onAbort, orAborted } from '../../time/abortable.js';
import type { AddressFamily, AddressMemory } from './dns-families.js';
import { familiesOf, uniteFamilies } from './dns-families.js';
import { isAboutOneName, isNoSuchRecord, lookupAborted, lookupFailed } from './dns-errors.js';

/** First wait for an answer; each retry waits twice as long. */
const TRY_MS = 1_000;
const TRIES = 2;

const WITH_TTL = { ttl: true } as const;

/** What is looked up, by whom. */
interface Lookup {
  readonly dnsName: string;
  /** @default those of the system */
  readonly nameservers?: readonly string[] | undefined;
  /** What of the name, in words, when that is not all. */
  readonly what?: string;
}

/**
 * Runs one poll's queries on a resolver of its own, which ends with the signal. It asks name servers
 * itself: no hosts file, no search domains, no thread; truncated answers are asked for again over TCP.
 *
 * @throws PeerageError `PROVIDER_FAILED`, `PROVIDER_TIMEOUT`, `ABORTED`
 */
export async function withResolver<T>(
  { dnsName, nameservers, what }: Lookup,
  signal: AbortSignal,
  query: (resolver: Resolver) => Promise<T>,
): Promise<T> {
  const aborted = () => lookupAborted(dnsName, signal, what);
  if (signal.aborted) throw aborted();
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  if (nameservers) resolver.setServers(nameservers);
  const endWaiting = onAbort(signal, () => resolver.cancel());
  try {
    // The resolver itself rejects a turn later, when nobody listens any more.
    return await orAborted(query(resolver), signal, aborted);
  } catch (error) {
    throw signal.aborted ? aborted() : lookupFailed(dnsName, error);
  } finally {
    endWaiting();
  }
}

/** The addresses of a name. */
export interface AddressAnswer {
  readonly addresses: string[];
  /** How long the first of the records stands; undefined when there is none. */
  readonly ttlMs: number | undefined;
}

/**
 * The addresses of a name, A and AAAA asked side by side.
 *
 * @throws the error of the resolver, when something failed and nothing has addresses.
 */
export async function resolveAddresses(
  resolver: Resolver,
  name: string,
  family: AddressFamily,
  memory: AddressMemory = new Map(),
): Promise<AddressAnswer> {
  const families = familiesOf(family);
  const ttls: number[] = [];
  const answers = await Promise.allSettled(
    families.map(async (each) => {
      const records = await resolveFamily(resolver, name, each);
      ttls.push(...records.map(({ ttl }) => ttl));
      return records.map(({ address }) => address);
    }),
  );
  const addresses = uniteFamilies(new Map(families.map((each, index) => [each, answers[index]!])), memory);
  return { addresses, ttlMs: ttls.length > 0 ? Math.min(...ttls) * 1_000 : undefined };
}

async function resolveFamily(
  resolver: Resolver,
  name: string,
  family: 4 | 6,
): Promise<readonly RecordWithTtl[]> {
  try {
    return await (family === 4 ? resolver.resolve4(name, WITH_TTL) : resolver.resolve6(name, WITH_TTL));
  } catch (error) {
    if (isNoSuchRecord(error)) return [];
    throw error;
  }
}

/**
 * The SRV records of the first candidate that has some.
 *
 * @throws the error of the resolver, when a candidate failed and no other has records.
 */
export async function resolveSrv(resolver: Resolver, candidates: readonly string[]): Promise<SrvRecord[]> {
  let failure: unknown;
  for (const candidate of candidates) {
    try {
      return await resolver.resolveSrv(candidate);
    } catch (error) {
      if (!isAboutOneName(error)) throw error;
      if (!isNoSuchRecord(error)) failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return [];
}
