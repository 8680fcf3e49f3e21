import { createSocket } from 'node:dgram';
import { lookup, Resolver } from 'node:dns/promises';
import { codeOf, describeError } from '../../errors/thrown.js';
import { within } from '../../time/waiting.js';
import { isNoSuchRecord } from '../../via/dns/dns-errors.js';
import { DEFAULT_GROUP } from '../../via/udp/udp-options.js';
import type { Finding } from './doctor.js';

const LOOP_MS = 1_000;

/** What each record type of the name behind a `dns:` URL gives. */
export async function checkDns(url: string): Promise<Finding[]> {
  const [, scheme, rest = ''] = /^(dns|dns\+srv):([^?]*)/.exec(url) ?? [];
  if (scheme === undefined || rest === '') return [];
  const name = decodeURIComponent(rest);
  const resolver = new Resolver({ timeout: 1_500, tries: 2 });
  const system = lookup(name, { all: true }).then((found) => found.map(({ address }) => address));
  return Promise.all([
    ...(scheme === 'dns' ? [recordFinding(`the system's lookup of ${name}`, system)] : []),
    ...(scheme === 'dns' ? [recordFinding(`A records of ${name}`, resolver.resolve4(name))] : []),
    ...(scheme === 'dns' ? [recordFinding(`AAAA records of ${name}`, resolver.resolve6(name))] : []),
    ...(scheme === 'dns+srv'
      ? [
          recordFinding(
            `SRV records of ${name}`,
            resolver
              .resolveSrv(name)
              .then((records) => records.map(({ name: host, port }) => `${host}:${port}`)),
          ),
        ]
      : []),
  ]);
}

async function recordFinding(check: string, answer: Promise<string[]>): Promise<Finding> {
  try {
    return { check, result: 'ok', says: (await answer).join(', ') || 'none' };
  } catch (error) {
    if (isNoSuchRecord(error)) return { check, result: 'ok', says: `none (${codeOf(error)})` };
    return {
      check,
      result: 'failed',
      says: describeError(error),
      advice:
        'the name servers do not answer: /etc/resolv.conf, a NetworkPolicy that forbids port 53, or they are down',
    };
  }
}

/** Whether this host hears its own multicast: without that viaUdp() finds nobody on it. */
export async function checkMulticast(): Promise<Finding> {
  const check = `multicast to ${DEFAULT_GROUP}`;
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  try {
    const heard = new Promise<true>((resolve) => socket.on('message', () => resolve(true)));
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, () => resolve());
    });
    socket.addMembership(DEFAULT_GROUP);
    socket.setMulticastLoopback(true);
    socket.send('peerage doctor', socket.address().port, DEFAULT_GROUP);
    if (await within(LOOP_MS, heard)) return { check, result: 'ok', says: 'comes back to this host' };
    return {
      check,
      result: 'failed',
      says: 'does not come back',
      advice: 'clouds, Kubernetes and overlay networks drop it: use dns: there, or udp: with ?broadcast',
    };
  } catch (error) {
    return { check, result: 'failed', says: describeError(error), advice: 'is there a route for multicast?' };
  } finally {
    socket.close();
  }
}
