import type { SrvRecord } from 'node:dns';
import type { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { within } from '../../time/waiting.js';
import { formatNodeName } from '../../naming/node-name.js';
import { resolveAddresses, resolveSrv, withResolver } from './dns-resolver.js';
import type { SearchRules } from './dns-search.js';
import { parseResolvConf, searchCandidates } from './dns-search.js';
import type { AddressFamily } from './dns-families.js';

const TARGETS_AT_ONCE = 64;
/** A target that is not answered for in this time lets the next one have its turn. */
const TURN_MS = 500;
/** So long all targets may take together: time for a lost question to be asked again, and less than a poll has. */
const TARGETS_MS = 2_500;

/** What one SRV lookup needs to know. */
export interface SrvQuestion {
  readonly dnsName: string;
  readonly app: string;
  readonly family: AddressFamily;
  readonly nameservers?: readonly string[] | undefined;
}

/** The node names that the SRV records of a name stand for. */
export async function namesBySrv(question: SrvQuestion, signal: AbortSignal): Promise<string[]> {
  const { dnsName, app, family, nameservers } = question;
  const ofAll = { dnsName, nameservers };
  const records = await withResolver(ofAll, signal, (resolver) => srvRecords(resolver, question));
  const ofTargets = { ...ofAll, what: ` (its ${records.length} targets)` };
  const hosts = await withResolver(ofTargets, signal, (resolver) =>
    hostsOfAll(resolver, records, family, signal),
  );
  const names = records.flatMap(({ port }, i) =>
    hosts[i]!.map((host) => formatNodeName({ app, host, port })),
  );
  return [...new Set(names)];
}

/** The hosts of each record. Targets that are not answered for keep neither the others waiting, nor the poll. */
async function hostsOfAll(
  resolver: Resolver,
  records: readonly SrvRecord[],
  family: AddressFamily,
  signal: AbortSignal,
): Promise<string[][]> {
  const hosts = records.map(({ name }) => [name]);
  const waiting = records.entries();
  const asked: Promise<void>[] = [];
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    resolver.cancel();
  }, TARGETS_MS);
  const lookUp = async (): Promise<void> => {
    for (const [i, { name }] of waiting) {
      if (isOver || signal.aborted) return;
      const asking = hostsOf(resolver, name, family).then((found) => void (hosts[i] = found));
      asked.push(asking);
      await within(TURN_MS, asking);
    }
  };
  try {
    await Promise.all(Array.from({ length: TARGETS_AT_ONCE }, lookUp));
    await Promise.all(asked);
    return hosts;
  } finally {
    clearTimeout(timer);
  }
}

/** The records of the name as it stands, or in the search domains of the system. */
export async function srvRecords(
  resolver: Resolver,
  { dnsName, nameservers }: Pick<SrvQuestion, 'dnsName' | 'nameservers'>,
): Promise<SrvRecord[]> {
  const candidates = nameservers ? [dnsName] : searchCandidates(dnsName, await systemSearchRules());
  return resolveSrv(resolver, candidates);
}

/** The addresses of a target, or the target itself: then dialling it will say what is the matter. */
async function hostsOf(resolver: Resolver, target: string, family: AddressFamily): Promise<string[]> {
  // A target of "." says that there is no such service.
  if (target === '' || target === '.') return [];
  if (isIP(target)) return [target];
  try {
    const { addresses } = await resolveAddresses(resolver, target, family);
    return addresses.length > 0 ? addresses : [target];
  } catch {
    return [target];
  }
}

async function systemSearchRules(): Promise<SearchRules> {
  return parseResolvConf(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''));
}
