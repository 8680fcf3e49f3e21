import { randomUUID } from 'node:crypto';
import { lookup, Resolver } from 'node:dns/promises';
import { codeOf, describeError } from '../../errors/thrown.js';
import { type Interfaces, ownInterfaces } from '../../naming/own-interfaces.js';
import { within } from '../../time/waiting.js';
import { isNoSuchRecord } from '../../via/dns/dns-errors.js';
import type { UdpInterface } from '../../via/udp/udp-interfaces.js';
import { udpInterfaces } from '../../via/udp/udp-interfaces.js';
import type { UdpSettings } from '../../via/udp/udp-options.js';
import { openReceiver, sendFrom } from '../../via/udp/udp-sockets.js';
import { familiesOf } from '../../via/dns/dns-families.js';
import { srvRecords } from '../../via/dns/dns-srv.js';
import { NO_IPV4, whyNothing } from '../../via/nothing-found.js';
import { dnsOptionsOf, udpSettingsOf } from '../../via/url/via-url.js';
import type { Finding } from './doctor.js';

const LOOP_MS = 1_000;
const NONE = 'none';

/** What each record type of the name behind a `dns:` URL gives. */
export async function checkDns(url: string): Promise<Finding[]> {
  const options = dnsOptionsOf(url);
  if (!options) return [];
  const { dnsName: name, nameservers, family = 0, srv } = options;
  const resolver = new Resolver({ timeout: 1_500, tries: 2 });
  if (nameservers) resolver.setServers(nameservers);
  if (srv) {
    const records = srvRecords(resolver, options);
    const texts = records.then((all) => all.map(({ name: host, port }) => `${host}:${port}`));
    return withoutNothing(url, [await recordFinding(`SRV records of ${name}`, texts)]);
  }
  const types = familiesOf(family).map((each) =>
    each === 4
      ? recordFinding(`A records of ${name}`, resolver.resolve4(name))
      : recordFinding(`AAAA records of ${name}`, resolver.resolve6(name)),
  );
  if (nameservers) return withoutNothing(url, await Promise.all(types));
  const system = lookup(name, { all: true, family }).then((all) => all.map(({ address }) => address));
  const bySystem = recordFinding(`the system's lookup of ${name}`, system);
  return [...withoutNothing(url, [await bySystem]), ...(await Promise.all(types))];
}

/** That all which a provider asks for is not there, is no answer that anybody wants. */
function withoutNothing(url: string, findings: Finding[]): Finding[] {
  const isNothing = findings.every(({ result, says }) => result === 'ok' && says.startsWith(NONE));
  if (!isNothing) return findings;
  return findings.map((finding) => ({ ...finding, result: 'warning', advice: whyNothing(url) }));
}

async function recordFinding(check: string, answer: Promise<string[]>): Promise<Finding> {
  try {
    return { check, result: 'ok', says: (await answer).join(', ') || NONE };
  } catch (error) {
    if (isNoSuchRecord(error)) return { check, result: 'ok', says: `${NONE} (${codeOf(error)})` };
    return {
      check,
      result: 'failed',
      says: describeError(error),
      advice:
        'the name servers do not answer: /etc/resolv.conf, a NetworkPolicy that forbids port 53, or they are down',
    };
  }
}

/** Whether this host hears its own announcements, on each interface: without that viaUdp() finds nobody there. */
export async function checkUdp(url: string, own: Interfaces = ownInterfaces()): Promise<Finding[]> {
  const settings = udpSettingsOf(url);
  if (!settings) return [];
  const interfaces = udpInterfaces(settings, own).filter(({ isInternal }, _i, all) =>
    all.every((each) => each.isInternal) ? true : !isInternal,
  );
  const what = settings.broadcast ? 'broadcasts' : `multicast to ${settings.multicastAddr}`;
  const heard = await echoesOf(settings, interfaces).catch(describeError);
  const echoes = interfaces.map(({ address }): Finding => {
    const check = `${what}, port ${settings.port}, on ${address}`;
    const fault = typeof heard === 'string' ? heard : heard.get(address);
    if (fault === 'heard') return { check, result: 'ok', says: 'comes back to this host' };
    return {
      check,
      result: 'failed',
      says: fault ?? 'does not come back',
      advice:
        'clouds, Kubernetes and overlay networks drop it, as firewalls do: use dns: there, or udp: with ?broadcast',
    };
  });
  return [...echoes, ...withoutIpv4(settings, interfaces)];
}

/** No network is to blame where this host has no address for it. */
function withoutIpv4({ ip, port }: UdpSettings, interfaces: readonly UdpInterface[]): Finding[] {
  const check = `UDP announcements, port ${port}`;
  if (ip !== '0.0.0.0') {
    if (interfaces.length > 0) return [];
    const advice = 'leave ip out, or give the address of an interface of this host';
    return [{ check, result: 'failed', says: `${ip} is no address of this host`, advice }];
  }
  if (interfaces.some(({ isInternal }) => !isInternal)) return [];
  const says = 'no interface leads to other hosts by IPv4';
  return [{ check, result: interfaces.length > 0 ? 'warning' : 'failed', says, advice: NO_IPV4 }];
}

/** By address: `heard`, or why nothing could be sent. What is missing did not come back. */
async function echoesOf(
  settings: UdpSettings,
  interfaces: readonly UdpInterface[],
): Promise<Map<string, string>> {
  const outcomes = new Map<string, string>();
  const receiver = await openReceiver(settings, interfaces);
  const text = Buffer.from(`peerage doctor ${randomUUID()}`);
  const all = new Promise<void>((resolve) => {
    receiver.on('message', (datagram, from) => {
      if (datagram.equals(text)) outcomes.set(from.address, 'heard');
      if (interfaces.every(({ address }) => outcomes.get(address) === 'heard')) resolve();
    });
  });
  try {
    for (const each of interfaces)
      await sendFrom(each, settings, text).catch((error: unknown) =>
        outcomes.set(each.address, `nothing can be sent: ${describeError(error)}`),
      );
    await within(LOOP_MS, all);
    return outcomes;
  } finally {
    receiver.close();
  }
}
