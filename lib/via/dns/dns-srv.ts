import type { SrvRecord } from 'node:dns';
import type { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { formatNodeName } from '../../naming/node-name.js';
import { resolveAddresses, resolveSrv, withResolver } from './dns-resolver.js';
import type { SearchRules } from './dns-search.js';
import { parseResolvConf, searchCandidates } from './dns-search.js';
import type { AddressFamily } from './dns-families.js';

const TARGETS_AT_ONCE = 64;

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
  return withResolver(dnsName, nameservers, signal, async (resolver) => {
    const names = new Set<string>();
    const records = await srvRecords(resolver, question);
    for (let start = 0; start < records.length; start += TARGETS_AT_ONCE) {
      const batch = records.slice(start, start + TARGETS_AT_ONCE);
      const hosts = await Promise.all(batch.map((record) => hostsOf(resolver, record.name, family, signal)));
      batch.forEach(({ port }, index) =>
        hosts[index]!.forEach((host) => names.add(formatNodeName({ app, host, port }))),
      );
    }
    return [...names];
  });
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
async function hostsOf(
  resolver: Resolver,
  target: string,
  family: AddressFamily,
  signal: AbortSignal,
): Promise<string[]> {
  // A target of "." says that there is no such service.
  if (target === '' || target === '.') return [];
  if (isIP(target)) return [target];
  try {
    const { addresses } = await resolveAddresses(resolver, target, family);
    return addresses.length > 0 ? addresses : [target];
  } catch (error) {
    if (signal.aborted) throw error;
    return [target];
  }
}

async function systemSearchRules(): Promise<SearchRules> {
  return parseResolvConf(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''));
}
